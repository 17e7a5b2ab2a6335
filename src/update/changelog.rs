//! What is new between two versions, in the words of the template's own CHANGELOG.

use std::cmp::Reverse;

use semver::Version;

use crate::template::{Shape, Template};

/// Where a template of ours keeps it, since its own root is that of its services.
const OURS: &str = ".template/CHANGELOG.md";
/// Where everybody else does.
const THEIRS: &str = "CHANGELOG.md";

/// The CHANGELOG of `template`, if it has one that can be read.
#[must_use]
pub fn of(template: &Template) -> Option<&str> {
    match &template.shape {
        Shape::Native(_) => template.text(OURS).ok(),
        Shape::Foreign(foreign) => {
            let below = format!("{}/{THEIRS}", foreign.dir);
            let below = template.text(&below);
            below.or_else(|_| template.text(THEIRS)).ok()
        }
    }
}

/// The sections of a CHANGELOG about versions after `old` and up to `new`, the newest first, as
/// they stand. Nothing, if there are none or the versions are none.
#[must_use]
pub fn between(text: &str, old: &str, new: &str) -> String {
    let (Some(old), Some(new)) = (version(old), version(new)) else {
        return String::new();
    };
    let mut sections = sections(text);
    sections.retain(|(version, _)| {
        version.cmp_precedence(&old).is_gt() && version.cmp_precedence(&new).is_le()
    });
    sections.sort_by_key(|(version, _)| Reverse(version.clone()));
    let texts = sections.iter().map(|(_, text)| text.trim_end());
    let texts = texts.map(|text| format!("{text}\n"));
    texts.collect::<Vec<_>>().join("\n")
}

/// Every version that has a heading, and its text, heading included.
fn sections(text: &str) -> Vec<(Version, &str)> {
    let headings = headings(text);
    let mut sections = Vec::new();
    let mut end_of_last = 0;
    for (i, heading) in headings.iter().enumerate() {
        // What stands below a version is about it, whatever it is called.
        let Some(version) = version(heading.title).filter(|_| heading.at >= end_of_last) else {
            continue;
        };
        let mut after = headings[i + 1..].iter();
        let end = after.find(|after| after.level <= heading.level);
        let end = end.map_or(text.len(), |end| end.at);
        sections.push((version, &text[heading.at..end]));
        end_of_last = end;
    }
    sections
}

/// A heading of a text in Markdown.
struct Heading<'a> {
    /// Where its line begins.
    at: usize,
    /// How many `#` it has.
    level: usize,
    title: &'a str,
}

/// The headings outside of blocks of code.
fn headings(text: &str) -> Vec<Heading<'_>> {
    let mut headings = Vec::new();
    let mut at = 0;
    let mut fence: Option<&str> = None;
    for line in text.split_inclusive('\n') {
        let words = line.trim();
        match fence {
            Some(open) if words.starts_with(open) => fence = None,
            Some(_) => {}
            None => {
                fence = ["```", "~~~"]
                    .into_iter()
                    .find(|mark| words.starts_with(mark));
                let title = line.trim_start_matches('#');
                let level = line.len() - title.len();
                if (1..=6).contains(&level) && title.starts_with([' ', '\t']) {
                    headings.push(Heading {
                        at,
                        level,
                        title: title.trim(),
                    });
                }
            }
        }
        at += line.len();
    }
    headings
}

/// The version that `title` begins with: `1.2.0`, `[v1.2.0] - 2026-01-01`, `1.2, unreleased`.
fn version(title: &str) -> Option<Version> {
    let words = ["version", "release"];
    let title = title.trim();
    let word = words.iter().find_map(|word| {
        let (head, rest) = title.split_at_checked(word.len())?;
        (head.eq_ignore_ascii_case(word) && rest.starts_with(char::is_whitespace)).then_some(rest)
    });
    let title = word.unwrap_or(title).trim_start().trim_start_matches('[');
    let title = title.strip_prefix(['v', 'V']).unwrap_or(title);
    let end = |c: char| c.is_whitespace() || matches!(c, ']' | ',' | ':' | ';' | '(' | ')');
    let number = title.split(end).next()?;
    let dots = number.matches('.').count();
    // `2026` is no version, and `1.2` is one.
    match dots {
        1 => Version::parse(&format!("{number}.0")).ok(),
        _ => Version::parse(number).ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEPT: &str = "# Changelog\n\nAll notable changes.\n\n## [Unreleased]\n\n- soon\n\n\
        ## [1.10.0] - 2026-03-01\n\n### Added\n- ten\n\n## [1.2.0] - 2026-02-01\n\n- two\n\n\
        ```md\n## 1.3.0\n```\n\n## [1.2.0-rc.1]\n\n- nearly\n\n## 1.1.0, unreleased\n\n- one\n\n\
        # v1.0.0\n- none\n";

    #[test]
    fn sections_stand_as_they_are_the_newest_first() {
        let news = between(KEPT, "1.1.0", "1.2.0");
        let wanted = "## [1.2.0] - 2026-02-01\n\n- two\n\n```md\n## 1.3.0\n```\n\n\
            ## [1.2.0-rc.1]\n\n- nearly\n";
        assert_eq!(news, wanted);
        let news = between(KEPT, "1.2.0", "2.0.0");
        assert_eq!(news, "## [1.10.0] - 2026-03-01\n\n### Added\n- ten\n");
    }

    #[test]
    fn the_order_is_that_of_the_versions() {
        let text = "# 1.0.0\n\none\n# 1.10.0\nten\n# 1.9.0\nnine\n";
        let news = between(text, "1.0.0", "1.10.0");
        assert_eq!(news, "# 1.10.0\nten\n\n# 1.9.0\nnine\n");
    }

    #[test]
    fn what_stands_below_a_version_is_about_it() {
        let text = "## 2.0.0\n- big\n### 1.5.0\n- what was 1.5.0\n# Older\n## 1.0.0\n- old\n";
        let news = between(text, "1.0.0", "2.0.0");
        assert_eq!(news, "## 2.0.0\n- big\n### 1.5.0\n- what was 1.5.0\n");
    }

    #[test]
    fn headings_are_of_many_kinds() {
        for heading in [
            "# 1.2.0",
            "## v1.2.0",
            "## V1.2.0:",
            "## [1.2.0](https://example.com/1.2.0) (2026-01-01)",
            "## [v1.2.0] - 2026-01-01",
            "## Version 1.2.0",
            "### release v1.2.0; late",
            "## 1.2",
            "##\t1.2.0",
            "## 1.2.0\r",
        ] {
            let text = format!("intro\n{heading}\nnews\n");
            let news = between(&text, "1.1.0", "1.2.0");
            assert_eq!(news, format!("{heading}\nnews\n"));
        }
    }

    #[test]
    fn what_is_no_version_is_nothing() {
        for text in [
            "",
            "#",
            "# ",
            "## 2026\nx",
            "##1.2.0\nx",
            "####### 1.2.0\nx",
            "## Äpfel 1.2.0\nx",
            "## 99999999999999999999.2.0\nx",
            "```\n## 1.2.0\nx",
            "versioñ 1.2.0\n",
        ] {
            assert_eq!(between(text, "1.0.0", "2.0.0"), "", "{text}");
        }
        assert_eq!(between(KEPT, "", "2.0.0"), "");
        assert_eq!(between(KEPT, "1.0.0", "main"), "");
        assert_eq!(between(KEPT, "2.0.0", "1.0.0"), "");
    }

    #[test]
    fn the_embedded_template_says_what_is_new() {
        let template = Template::embedded();
        let text = of(&template).expect("a CHANGELOG");
        let news = between(text, "0.0.1", &template.version);
        for version in crate::template::releases() {
            assert!(news.contains(&format!("## {version}")), "{version}");
        }
        assert!(of(&Template::released("0.1.0").expect("a release")).is_none());
    }
}

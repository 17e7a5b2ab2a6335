//! Names of files: globs that match nothing, files that become one and the same, and moves to
//! where nothing is.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::Finding;
use super::worlds::{World, Worlds};
use crate::fill::{self, SUFFIX, variables};
use crate::manifest::{self, Manifest};
use crate::parts;
use crate::template::{File, Template};

/// Globs that match no file.
pub fn globs(template: &Template, manifest: &Manifest, files: &[&File]) -> Vec<Finding> {
    let finding = |file: &str, glob: &str, message: String| {
        let source = template.text(file).unwrap_or_default();
        let at = source.find(glob).unwrap_or_default();
        Finding::error("glob", file, message).at_byte(source, at)
    };
    let nothing = |matches: &dyn Fn(&str) -> bool| !files.iter().any(|file| matches(&file.path));
    let mut findings = Vec::new();
    for rule in &manifest.files {
        if nothing(&|path| rule.path.matches(path)) {
            let message = format!("`{}` matches no file of the template", rule.path);
            findings.push(finding(manifest::FILE, rule.path.as_str(), message));
        }
    }
    for part in &template.parts {
        for glob in part.globs() {
            let pattern = glob::Pattern::new(glob);
            if nothing(&|path| pattern.as_ref().is_ok_and(|glob| glob.matches(path))) {
                let message = format!("`{glob}` of `{}` matches no file", part.name);
                findings.push(finding(parts::LIST, glob, message));
            }
        }
    }
    findings
}

/// Moves of migrations to where the template has nothing: what is moved there is the service's own
/// from then on, and may be meant.
pub fn moves(manifest: &Manifest, files: &[&File], text: &str) -> Vec<Finding> {
    let there = |to: &str| {
        files.iter().any(|file| {
            // Names are made of answers, and can be any.
            let path = file.path.strip_suffix(SUFFIX).unwrap_or(&file.path);
            path == to || path.contains("{{") || to.ends_with('/') && path.starts_with(to)
        })
    };
    let mut findings = Vec::new();
    for (i, migration) in manifest.migrations.iter().enumerate() {
        for moved in &migration.moves {
            let rest = manifest.migrations[i..].iter().flat_map(|it| &it.moves);
            let onwards = rest.map(|further| further.from.as_str());
            let onwards = onwards.filter(|from| *from != moved.from);
            let mut onwards = onwards.filter(|from| moved.to.starts_with(from));
            if !there(&moved.to) && onwards.next().is_none() {
                let message = format!("nothing of the template is at `{}`", moved.to);
                let finding = Finding::warning("move", manifest::FILE, message);
                let at = text.find(&format!("\"{}\"", moved.to));
                findings.push(finding.at_byte(text, at.map_or(0, |at| at + 1)));
            }
        }
    }
    findings
}

/// Files that become one, or two whose names only differ in capitals.
pub fn collisions(template: &Template, manifest: &Manifest, files: &[&File]) -> Vec<Finding> {
    let suspects = suspects(files);
    if suspects.is_empty() {
        return Vec::new();
    }
    let mut names = BTreeSet::new();
    for file in &suspects {
        names.extend(variables::of_text(&file.path));
        let rules = manifest.files.iter();
        for rule in rules.filter(|rule| rule.path.matches(&file.path)) {
            names.extend(variables::of_condition(&rule.when));
        }
        let owners = template.parts.iter().filter(|part| part.owns(&file.path));
        names.extend(owners.map(|part| part.name.clone()));
    }
    let worlds = Worlds::of(template, &names, template.questions().len());
    let mut found = BTreeMap::new();
    for world in &worlds.all {
        for finding in meet(template, manifest, &suspects, world) {
            let key = (finding.file.clone(), finding.rule);
            found.entry(key).or_insert(finding);
        }
    }
    found.into_values().collect()
}

/// Those that could meet another: of one name but for capitals and suffix, or of any name.
fn suspects<'a>(files: &[&'a File]) -> Vec<&'a File> {
    let plain = |file: &File| {
        let path = file.path.strip_suffix(SUFFIX).unwrap_or(&file.path);
        path.to_lowercase()
    };
    if files.iter().any(|file| file.path.contains("{{")) {
        return files.to_vec();
    }
    let mut counts = BTreeMap::<String, usize>::new();
    for file in files {
        *counts.entry(plain(file)).or_default() += 1;
    }
    let files = files.iter().filter(|file| counts[&plain(file)] > 1);
    files.copied().collect()
}

fn meet(
    template: &Template,
    manifest: &Manifest,
    suspects: &[&File],
    world: &World,
) -> Vec<Finding> {
    let rules = manifest.files.iter();
    let gone = rules.filter(|rule| !fill::holds(&rule.when, &world.values).unwrap_or(true));
    let gone = gone.map(|rule| &rule.path).collect::<Vec<_>>();
    let absent = template.parts.iter();
    let absent = absent.filter(|part| !world.parts.contains(&part.name));
    let absent = absent.collect::<Vec<_>>();
    let mut known: BTreeMap<String, (String, &str)> = BTreeMap::new();
    let mut findings = Vec::new();
    for file in suspects {
        let left_out = gone.iter().any(|glob| glob.matches(&file.path))
            || absent.iter().any(|part| part.owns(&file.path));
        let name = fill::path(&file.path, &world.values).ok().flatten();
        let Some(name) = name.filter(|_| !left_out) else {
            continue;
        };
        let Some((before, other)) = known.get(&name.to_lowercase()) else {
            known.insert(name.to_lowercase(), (name, &file.path));
            continue;
        };
        let told = world.told();
        let other = other.escape_debug();
        let message = if *before == name {
            format!(
                "it becomes `{}`, as `{other}` does{told}",
                name.escape_debug()
            )
        } else {
            format!("it differs only in capitals from `{other}`{told}")
        };
        findings.push(Finding::error("collision", &file.path, message));
    }
    findings
}

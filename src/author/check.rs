//! Looks for mistakes in a template, all that can be found without running anything of it.

use std::collections::BTreeSet;
use std::path::Path;

use super::finding::Finding;
use super::worlds::{MOST, Worlds};
use super::{foreign, names, opened, texts, told};
use crate::error::Result;
use crate::fill::variables::{self, HELPERS};
use crate::fill::{self, SUFFIX};
use crate::manifest::{self, GIVEN, Manifest};
use crate::name::{Neighbours, ServiceName};
use crate::parts;
use crate::process;
use crate::questions::{Condition, Default, Question};
use crate::render::{self, Request};
use crate::report::Report;
use crate::settings::{Settings, nearest};
use crate::template::{File, Shape, Template};

/// Not more combinations are rendered: each is a process.
const RENDERED: usize = 64;

/// Says everything that is odd about the template; fails if it is a mistake.
pub fn check(settings: &Settings, report: &Report) -> Result<()> {
    let (dir, template) = opened(settings)?;
    let findings = match &template.shape {
        Shape::Native(manifest) => {
            let mut check = Check::of(&template, manifest);
            check.files();
            check.questions();
            check.rules();
            check.hooks();
            check.migrations();
            check.samples();
            check.renders(&dir);
            check.findings
        }
        Shape::Foreign(foreign) => foreign::check(&template, foreign)?,
    };
    told(findings, report)
}

/// A look at a native template.
struct Check<'a> {
    template: &'a Template,
    manifest: &'a Manifest,
    /// The text of the manifest.
    text: &'a str,
    /// Its files, as far as they can end up in a service.
    files: Vec<&'a File>,
    /// What is spoken of anywhere.
    used: BTreeSet<String>,
    findings: Vec<Finding>,
}

impl<'a> Check<'a> {
    fn of(template: &'a Template, manifest: &'a Manifest) -> Self {
        let stays = |file: &&File| parts::ships(&file.path);
        Self {
            template,
            manifest,
            text: template.text(manifest::FILE).unwrap_or_default(),
            files: template.files.iter().filter(stays).collect(),
            used: BTreeSet::new(),
            findings: Vec::new(),
        }
    }

    fn note(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    /// What is known where `count` questions are answered.
    fn known(&self, count: usize) -> BTreeSet<String> {
        let given = GIVEN.iter().filter(|name| **name != "parts");
        let given = given.map(|name| (*name).to_owned());
        let parts = self.template.parts.iter().map(|part| part.name.clone());
        let asked = self.manifest.questions.iter().take(count);
        let asked = asked.map(|question| question.name.clone());
        given.chain(parts).chain(asked).collect()
    }

    fn files(&mut self) {
        let known = self.known(usize::MAX);
        let spoken = texts::read(&self.files, &known);
        self.used.extend(spoken.variables);
        self.findings.extend(spoken.findings);
        let (template, manifest) = (self.template, self.manifest);
        let globs = names::globs(template, manifest, &self.files);
        self.findings.extend(globs);
        let collisions = names::collisions(template, manifest, &self.files);
        self.findings.extend(collisions);
        let manifests = ["Cargo.toml".to_owned(), format!("Cargo.toml{SUFFIX}")];
        if !self.files.iter().any(|file| manifests.contains(&file.path)) {
            let message = "there is none, so the template makes no package";
            self.note(Finding::error("no-package", "Cargo.toml", message));
        }
    }

    fn questions(&mut self) {
        for (count, question) in self.manifest.questions.iter().enumerate() {
            self.name(question);
            if let Some(Condition::Handlebars(when)) = &question.when {
                let who = format!("question `{}`", question.name);
                let at = self.place(&question.name, when);
                self.condition(&who, when, (count, at));
            }
            if let Some(Default::From(text)) = &question.default {
                self.default(question, text, count);
            }
        }
    }

    fn name(&mut self, question: &Question) {
        let name = &question.name;
        let at = self.place(name, name);
        let part = self.template.parts.iter().any(|part| part.name == *name);
        if part {
            let message = format!("question `{name}` has the name of a part");
            self.note(Finding::error("name", manifest::FILE, message).at_byte(self.text, at));
        }
        if HELPERS.contains(&name.as_str()) {
            let message = format!("question `{name}` has the name of a helper");
            self.note(Finding::error("name", manifest::FILE, message).at_byte(self.text, at));
        }
    }

    /// A default that is computed, for all that could be answered before it.
    fn default(&mut self, question: &Question, text: &str, count: usize) {
        let at = self.place(&question.name, text);
        let names = variables::of_text(text);
        if !self.all_known(&names, count, at) {
            return;
        }
        self.used.extend(names.clone());
        let worlds = Worlds::of(self.template, &names, count);
        let wrong = worlds.all.iter().find_map(|world| {
            let answer = fill::text(text, &world.values);
            let answer = answer.and_then(|text| question.form.parse(&text));
            answer.err().map(|reason| (world.told(), reason))
        });
        if let Some((told, reason)) = wrong {
            let name = &question.name;
            let message = format!("the default of `{name}` does not fit{told}: {reason}");
            self.note(Finding::error("default", manifest::FILE, message).at_byte(self.text, at));
        }
    }

    fn rules(&mut self) {
        let all = self.manifest.questions.len();
        for rule in &self.manifest.files {
            let path = rule.path.as_str();
            let who = format!("file `{path}`");
            let at = self.place(path, &rule.when);
            self.condition(&who, &rule.when, (all, at));
        }
        for hook in &self.manifest.hooks {
            if let Some(when) = &hook.when {
                let who = format!("hook `{}`", hook.run.join(" "));
                let at = self.text.find(when.as_str()).unwrap_or_default();
                self.condition(&who, when, (all, at));
            }
        }
        for question in &self.manifest.questions {
            if !self.used.contains(&question.name) {
                let name = &question.name;
                let message = format!("nothing uses the answer to `{name}`");
                let finding = Finding::warning("unused-question", manifest::FILE, message);
                self.findings
                    .push(finding.at_byte(self.text, self.place(name, name)));
            }
        }
    }

    /// A condition of `who`: of known names, and not always wrong. It is asked after `count`
    /// questions, and stands at the byte `at` of the manifest.
    fn condition(&mut self, who: &str, when: &str, (count, at): (usize, usize)) {
        let names = variables::of_condition(when);
        if !self.all_known(&names, count, at) {
            return;
        }
        self.used.extend(names.clone());
        let worlds = Worlds::of(self.template, &names, count);
        let mut holds = false;
        let mut wrong = None;
        for world in &worlds.all {
            match fill::holds(when, &world.values) {
                Ok(here) => holds |= here,
                Err(reason) => wrong = wrong.or_else(|| Some((world.told(), reason))),
            }
        }
        let finding = if let Some((told, reason)) = wrong {
            let message = format!("{who}: `{when}` fails{told}: {reason}");
            Finding::error("condition", manifest::FILE, message)
        } else if !holds && worlds.bounded {
            let message = format!(
                "{who}: `{when}` does not hold in any of {MOST} combinations that were tried, of more"
            );
            Finding::warning("unreachable", manifest::FILE, message)
        } else if !holds && !worlds.vague {
            let message = format!("{who}: `{when}` can never hold");
            Finding::error("unreachable", manifest::FILE, message)
        } else {
            return;
        };
        self.note(finding.at_byte(self.text, at));
    }

    fn all_known(&mut self, names: &BTreeSet<String>, count: usize, at: usize) -> bool {
        let mut known = self.known(count);
        // Questions are asked before there is a port.
        if count < self.manifest.questions.len() {
            known.remove("port");
        }
        let unknown = names.difference(&known).cloned().collect::<Vec<_>>();
        for name in &unknown {
            let later = self
                .manifest
                .questions
                .iter()
                .any(|asked| asked.name == *name);
            let message = if later {
                format!("`{name}` is asked for later")
            } else {
                format!("unknown variable `{name}`")
            };
            let finding = Finding::error("unknown-variable", manifest::FILE, message);
            let finding = match nearest(name, known.iter().map(String::as_str)) {
                Some(near) if !later => finding.help(format!("did you mean `{near}`?")),
                _ => finding,
            };
            self.note(finding.at_byte(self.text, at));
        }
        unknown.is_empty()
    }

    /// Where in the manifest `what` stands that belongs to what is called `name`.
    fn place(&self, name: &str, what: &str) -> usize {
        let quoted = [format!("\"{name}\""), format!("'{name}'")];
        let at = quoted.iter().find_map(|quoted| self.text.find(quoted));
        let at = at.map_or(0, |at| at + 1);
        let further = self.text.get(at..).and_then(|rest| rest.find(what));
        further.map_or(at, |further| at + further)
    }

    fn hooks(&mut self) {
        for hook in &self.manifest.hooks {
            self.program("hook", &hook.run);
        }
    }

    fn migrations(&mut self) {
        let (manifest, text) = (self.manifest, self.text);
        let moves = names::moves(manifest, &self.files, text);
        self.findings.extend(moves);
        for run in manifest.migrations.iter().flat_map(|it| &it.run) {
            self.program("migration", run);
        }
    }

    /// The program of a command, which the template has, or this machine.
    fn program(&mut self, kind: &'static str, run: &[String]) {
        let program = run.first().map_or("", String::as_str);
        let line = run.join(" ");
        let file = program.trim_start_matches("./");
        let source = format!("{file}{SUFFIX}");
        let here = self.files.iter();
        let here = here.clone().find(|it| it.path == file || it.path == source);
        let finding = match here {
            Some(file) if program.contains('/') && !file.executable => {
                let message = format!("{kind} `{line}`: `{}` cannot be run", file.path);
                let help = format!("chmod +x {}", file.path);
                Finding::error(kind, manifest::FILE, message).help(help)
            }
            None if program.contains('/') && !program.starts_with('/') => {
                let message = format!("{kind} `{line}` names no file of the template");
                Finding::error(kind, manifest::FILE, message)
            }
            _ if program.contains('/') || process::find(program).is_some() => return,
            _ => {
                let message = format!("{kind} `{line}`: there is no program `{program}` here");
                Finding::warning(kind, manifest::FILE, message)
            }
        };
        let at = self.text.find(program).unwrap_or_default();
        self.note(finding.at_byte(self.text, at));
    }

    fn samples(&mut self) {
        let mut known = BTreeSet::new();
        for sample in &self.manifest.samples {
            let name = &sample.name;
            let at = self.place(name, name);
            if !known.insert(name) {
                let message = format!("there are two samples `{name}`");
                self.note(Finding::error("sample", manifest::FILE, message).at_byte(self.text, at));
            }
            let (with, without) = &sample.parts;
            if let Err(error) = parts::choose(&self.template.parts, with, without) {
                for error in error.each() {
                    let message = format!("sample `{name}`: {error}");
                    let finding = Finding::error("sample", manifest::FILE, message);
                    self.findings.push(finding.at_byte(self.text, at));
                }
            }
        }
        let home = format!("{}golden/", manifest::HOME);
        let golden = self.template.files.iter();
        let golden = golden.filter_map(|file| file.path.strip_prefix(&home)?.split('/').next());
        let golden = golden.map(|name| name.trim_end_matches(".txt"));
        let known = known.into_iter().map(String::as_str).chain(["default"]);
        let stale = golden.collect::<BTreeSet<_>>();
        let known = known.collect::<BTreeSet<_>>();
        for name in stale.difference(&known) {
            let message = "there is no sample of this name";
            let file = format!("{home}{name}");
            self.findings
                .push(Finding::warning("golden", &file, message));
        }
    }

    /// Renders what could be asked for, if nothing is wrong so far that would be said again.
    fn renders(&mut self, dir: &Path) {
        let wrong = |finding: &Finding| finding.level == super::Level::Error;
        let Ok(name) = ServiceName::parse("sample-service", NOBODY) else {
            return;
        };
        if self.findings.iter().any(wrong) {
            return;
        }
        let all = self.template.questions().len();
        let worlds = Worlds::of(self.template, &self.known(all), all);
        let mut known = BTreeSet::new();
        for world in worlds.all.iter().take(RENDERED) {
            let request = Request {
                name: &name,
                description: "The sample-service service",
                port: 5000,
                parts: &world.parts,
                answers: &world.answers,
                beside: std::collections::BTreeMap::new(),
                destination: dir,
                human: false,
                author: None,
            };
            let Err(error) = render::others(self.template, &request) else {
                continue;
            };
            for error in error.each().filter(|error| known.insert(error.to_string())) {
                self.findings
                    .push(placed(&format!("{error}{}", world.told())));
            }
        }
    }
}

/// What a failed render says, at the place it names.
fn placed(message: &str) -> Finding {
    let pattern = r"(?s)^template file (.+?), line (\d+)(?:, column (\d+))?: (.*)$";
    let found = regex::Regex::new(pattern).ok();
    let found = found.as_ref().and_then(|pattern| pattern.captures(message));
    let Some(found) = found else {
        return Finding::error("renders", manifest::FILE, message);
    };
    let number = |at: usize| found.get(at).and_then(|text| text.as_str().parse().ok());
    Finding {
        line: number(2),
        column: number(3),
        ..Finding::error("renders", &found[1], &found[4])
    }
}

/// A name that is alone in the world.
const NOBODY: Neighbours = Neighbours {
    dependencies: &[],
    members: &[],
};

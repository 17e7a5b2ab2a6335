//! Renders a template for a service that is there: with what its record says.

use std::path::Path;

use crate::answers::{self, Given, Place, Told};
use crate::ask;
use crate::error::Result;
use crate::name::{Neighbours, ServiceName};
use crate::parts::{self, Chosen};
use crate::render::{self, Request};
use crate::repo;
use crate::settings::Settings;
use crate::stamp::{
    self, Stamped,
    record::{self, Record},
};
use crate::template::{File, Template};
use crate::world;

/// Everything a render is made of.
#[derive(Clone, Debug)]
pub struct Order<'a> {
    /// Who the service is, and its answers.
    pub record: &'a Record,
    /// Which parts it shall have.
    pub parts: Chosen,
    /// Whether it is the member of a workspace.
    pub member: bool,
    /// The settings, with all answers given.
    pub settings: Settings,
    /// The service's directory.
    pub dir: &'a Path,
}

impl<'a> Order<'a> {
    /// What was rendered when the record was written: nothing but the record counts, save secrets,
    /// which it does not hold.
    pub fn old(
        record: &'a Record,
        template: &Template,
        settings: &Settings,
        dir: &'a Path,
    ) -> Self {
        let mut given = Given::default();
        let secrets = template.questions().iter().filter(|asked| asked.secret);
        for question in secrets {
            if let Some((told, place)) = settings.given.get(&question.name) {
                given.add(&question.name, told.clone(), place.clone());
            }
        }
        let order = Self {
            record,
            parts: known(template, &record.parts),
            member: record.member,
            settings: settings.clone(),
            dir,
        };
        order.with(given, template)
    }

    /// What shall be rendered now: what was given for this run counts, then the record.
    pub fn new(
        record: &'a Record,
        template: &Template,
        settings: &Settings,
        (parts, dir): (Chosen, &'a Path),
    ) -> Self {
        let order = Self {
            record,
            parts,
            member: record.member,
            settings: settings.clone(),
            dir,
        };
        order.with(settings.given.clone(), template)
    }

    fn with(mut self, mut given: Given, template: &Template) -> Self {
        for (name, answer) in &self.record.answers {
            let asked = template.questions().iter().any(|asked| asked.name == *name);
            // Code of a cargo-generate template may look for answers nobody asks for.
            if asked || template.is_foreign() {
                given.add(name, Told::Typed(answer.clone()), Place::Record);
            }
        }
        let usual = parts::usual(&template.parts);
        self.settings.with = self.parts.difference(&usual).cloned().collect();
        self.settings.without = usual.difference(&self.parts).cloned().collect();
        self.settings.name = Some(self.record.name.clone());
        self.settings.description = Some(self.record.description.clone());
        self.settings.port = Some(self.record.port);
        self.settings.given = given;
        self
    }

    /// Asks what nobody has answered yet, if somebody is there.
    pub fn ask(&mut self, template: &Template) -> Result<()> {
        if !self.settings.human {
            return Ok(());
        }
        let above = self.dir.parent().unwrap_or(self.dir);
        ask::template_questions(&mut self.settings, above, template)
    }

    /// The files, the record among them.
    pub fn render(&self, template: &Template) -> Result<Stamped> {
        let name = ServiceName::parse(&self.record.name, Neighbours::default())?;
        let above = self.dir.parent().unwrap_or(self.dir);
        let ground = world::ground(&self.settings, above, template)?;
        let ground = render::ground_of(template, &ground);
        let answers = answers::settle(template.questions(), &self.settings.given, ground)?;
        let request = Request {
            name: &name,
            description: &self.record.description,
            port: self.record.port,
            parts: &self.parts,
            answers: &answers,
            beside: self.settings.given.beside(template.questions()),
            destination: self.dir,
            human: self.settings.human,
            author: self.record.author.clone(),
        };
        let rendered = if template.is_embedded() {
            render::embedded(template, &request)?
        } else {
            render::others(template, &request)?
        };
        stamp::stamp(rendered, template, &request, self.member)
    }
}

/// Those of `parts` that the template has.
#[must_use]
pub fn known(template: &Template, parts: &[String]) -> Chosen {
    let known = parts
        .iter()
        .filter(|name| template.parts.iter().any(|part| part.name == **name));
    known.cloned().collect()
}

/// The id of the tree of `files`, the record aside: what the record says.
pub fn tree_of(files: &[File]) -> Result<String> {
    repo::tree_id(files.iter().filter(|file| file.path != record::FILE))
}

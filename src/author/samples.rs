//! Tests a template by its samples: each is rendered, compared with its golden tree, built and
//! tested, as a service of a user is, in a place where nobody sees it.

use std::path::Path;

use schemars::JsonSchema;
use serde::Serialize;

use super::{golden, opened};
use crate::answers::{self, Given, Place, Told};
use crate::ask;
use crate::dirs::in_shell;
use crate::error::{Error, Kind, Result};
use crate::interrupt;
use crate::manifest::{self, Golden, Sample};
use crate::parts;
use crate::plan::Plan;
use crate::ports::Offer;
use crate::process;
use crate::render;
use crate::report::Report;
use crate::settings::{Build, Format, Settings};
use crate::template::{File, Shape, Template};
use crate::trust;
use crate::verify;
use crate::world::{self, World};

/// The name of every sample's service, so that golden trees stay the same.
const NAME: &str = "sample-service";
/// Its port. Nothing listens there: no sample is started but by its own tests.
const PORT: u16 = 5000;

/// How a sample did.
#[derive(Clone, Debug, Serialize, JsonSchema)]
pub struct Tested {
    /// Its name.
    pub name: String,
    /// How many files it came to.
    pub files: usize,
    /// `as-expected`, `accepted` (by `--review`) or `rendered` (there is nothing to compare with).
    pub outcome: &'static str,
    /// What was done with it: `checked`, `built`, `tested`, `built for release`.
    pub done: Vec<&'static str>,
}

/// Tests the samples that are named, or all; with `review` takes what they come to for right.
pub fn test(settings: &Settings, report: &Report, (review, only): (bool, &[String])) -> Result<()> {
    let (dir, template) = opened(settings)?;
    let samples = chosen(&template, only)?;
    consent(settings, &template, report)?;
    interrupt::listen()?;
    let place = tempfile::Builder::new()
        .prefix("generate-service-")
        .tempdir();
    let place = place.map_err(|error| Error::io("create", &std::env::temp_dir(), &error))?;
    let at = place.path().canonicalize();
    let at = at.map_err(|error| Error::io("find", place.path(), &error))?;
    let job = Job {
        settings,
        template: &template,
        dir: &dir,
        place: &at,
        report,
    };
    let mut plans = Vec::new();
    for sample in &samples {
        plans.push(job.plan(sample)?);
    }
    let tested = job.compare(&samples, &plans, review)?;
    job.build(tested, &plans)?;
    report.tested();
    Ok(())
}

/// Renders every sample of the template in `dir`, and writes their golden trees.
pub fn accept(dir: &Path, settings: &Settings, report: &Report) -> Result<()> {
    let template = Template::read(dir)?;
    let mut settings = settings.clone();
    settings.build = Build::None;
    let job = Job {
        settings: &settings,
        template: &template,
        dir,
        place: dir.parent().unwrap_or(dir),
        report,
    };
    for sample in &chosen(&template, &[])? {
        let files = golden::steady(&job.plan(sample)?.files);
        let kept = golden::kept(&sample.name, sample.golden, files)?;
        golden::write(dir, &sample.name, sample.golden, &kept)?;
    }
    Ok(())
}

/// The samples of a template; one that declares none has one with every default.
fn chosen(template: &Template, only: &[String]) -> Result<Vec<Sample>> {
    let declared = match &template.shape {
        Shape::Native(manifest) => manifest.samples.clone(),
        Shape::Foreign(_) => Vec::new(),
    };
    let all = if declared.is_empty() {
        vec![Sample {
            name: "default".to_owned(),
            answers: Vec::new(),
            parts: (Vec::new(), Vec::new()),
            golden: Golden::Tree,
        }]
    } else {
        declared
    };
    let names = all.iter().map(|sample| sample.name.as_str());
    let names = names.collect::<Vec<_>>();
    let unknown = only.iter().filter(|name| !names.contains(&name.as_str()));
    let unknown = unknown.map(|name| {
        let message = format!("there is no sample `{}`", name.escape_debug());
        Error::new(Kind::Usage, message).help(format!("the samples: {}", names.join(", ")))
    });
    Error::all(unknown.collect())?;
    let wanted = |sample: &Sample| only.is_empty() || only.contains(&sample.name);
    Ok(all.into_iter().filter(wanted).collect())
}

fn consent(settings: &Settings, template: &Template, report: &Report) -> Result<()> {
    if settings.human {
        return ask::consent(settings, template, report);
    }
    let open = trust::open(template, settings, trust::items(template, settings))?;
    if open.is_empty() {
        return Ok(());
    }
    Err(trust::refusal(template, &open))
}

/// What all samples of one test have in common.
struct Job<'a> {
    settings: &'a Settings,
    template: &'a Template,
    dir: &'a Path,
    /// Where services are made.
    place: &'a Path,
    report: &'a Report,
}

impl Job<'_> {
    fn plan(&self, sample: &Sample) -> Result<Plan> {
        self.decide(sample).map_err(|mut error| {
            let of_sample = |error: &mut Error| {
                error.kind = Kind::Template;
                error.message = format!("sample `{}`: {}", sample.name, error.message);
                error.help = error.help.take().map(|help| match help {
                    help if help.starts_with("--define") => {
                        format!("in [[samples]] of {}: answers = {{ … }}", manifest::FILE)
                    }
                    help => help,
                });
            };
            of_sample(&mut error);
            error.also.iter_mut().for_each(of_sample);
            error
        })
    }

    /// A plan as that of a run whose answers are those of the sample, and nobody else's.
    fn decide(&self, sample: &Sample) -> Result<Plan> {
        let mut settings = self.settings.clone();
        settings.name = Some(NAME.to_owned());
        settings.description = None;
        (settings.with, settings.without) = sample.parts.clone();
        settings.given = given(sample);
        let flags = &mut settings.flags;
        (flags.git, flags.commit, flags.workspace) = (false, false, false);
        (flags.dry_run, flags.keep_on_failure) = (false, false);
        parts::choose(&self.template.parts, &settings.with, &settings.without)?;
        let ground = world::ground(&settings, self.place, self.template)?;
        let ground = render::ground_of(self.template, &ground);
        let answers = answers::settle(self.template.questions(), &settings.given, ground)?;
        let mut world = World {
            parent: self.place.to_owned(),
            obstacles: Vec::new(),
            repository: None,
            branch: "main".to_owned(),
            workspace: None,
            port: Ok(Offer::of(PORT)),
            answers: Ok(answers),
            rendered: Ok(None),
            consent: Ok(()),
            has_cargo: process::find("cargo").is_some(),
            warnings: Vec::new(),
        };
        world.rendered = world.render(&settings, self.template);
        Plan::fresh(&settings, &world, self.template)
    }

    /// Compares what every sample comes to before anything is built.
    fn compare(&self, samples: &[Sample], plans: &[Plan], review: bool) -> Result<Vec<Tested>> {
        let mut tested = Vec::new();
        let mut wrong = Vec::new();
        for (sample, plan) in samples.iter().zip(plans) {
            match self.compared(sample, &plan.files, review) {
                Ok(outcome) => tested.push(Tested {
                    name: sample.name.clone(),
                    files: plan.files.len(),
                    outcome,
                    done: Vec::new(),
                }),
                Err(error) => wrong.push(error),
            }
        }
        if !wrong.is_empty() {
            for sample in &tested {
                self.report.sample(sample);
            }
        }
        Error::all(wrong)?;
        Ok(tested)
    }

    fn compared(&self, sample: &Sample, files: &[File], review: bool) -> Result<&'static str> {
        let name = &sample.name;
        // Cargo-generate knows no file that does not ship.
        if matches!(self.template.shape, Shape::Foreign(_)) {
            return Ok("rendered");
        }
        let old = golden::of(self.template, name, sample.golden);
        let new = golden::kept(name, sample.golden, golden::steady(files))?;
        let differences = golden::differences(&old, &new);
        if differences.is_empty() {
            return Ok("as-expected");
        }
        if review {
            golden::write(self.dir, name, sample.golden, &new)?;
            return Ok("accepted");
        }
        let dir = in_shell(&self.dir.to_string_lossy());
        let accept = format!("generate-service template test {dir} --review --sample {name}");
        if old.is_empty() {
            let message = format!("sample `{name}` has no golden tree to be compared with");
            return Err(Error::new(Kind::Template, message).help(accept));
        }
        self.report.differences(name, &differences);
        let (files, differ) = match differences.len() {
            1 => ("1 file".to_owned(), "differs"),
            count => (format!("{count} files"), "differ"),
        };
        let message = format!("sample `{name}` is not as expected: {files} {differ}");
        Err(Error::new(Kind::Template, message).help(format!("if that is right: {accept}")))
    }

    fn build(&self, tested: Vec<Tested>, plans: &[Plan]) -> Result<()> {
        let quiet = Report::new(Format::Human, self.settings.color, true);
        let done: &[&str] = match self.settings.build {
            Build::None => &[],
            Build::Check => &["checked"],
            Build::Build => &["built"],
            Build::Test => &["built", "tested"],
            Build::Release => &["built for release"],
        };
        let mut wrong = Vec::new();
        for (mut sample, plan) in tested.into_iter().zip(plans) {
            if !done.is_empty() {
                self.report
                    .waiting(&format!("Building sample {}", sample.name));
            }
            match built(plan, &quiet) {
                Ok(()) => {
                    sample.done = done.to_vec();
                    self.report.sample(&sample);
                }
                Err(mut error) if error.kind != Kind::Interrupted => {
                    error.message = format!("sample `{}`: {}", sample.name, error.message);
                    error.help = None;
                    wrong.push(error);
                }
                Err(error) => return Err(error),
            }
        }
        Error::all(wrong)
    }
}

/// The answers of a sample, and no other ones.
fn given(sample: &Sample) -> Given {
    let mut given = Given::default();
    for (name, answer) in &sample.answers {
        let place = Place::File(manifest::FILE.into());
        given.add(name, Told::Typed(answer.clone()), place);
    }
    given
}

/// All that happens to a service before it is published.
fn built(plan: &Plan, quiet: &Report) -> Result<()> {
    if plan.build == Build::None {
        return Ok(());
    }
    let (stage, _) = crate::write(plan, quiet)?;
    verify::verify(stage, plan, quiet)?;
    Ok(())
}

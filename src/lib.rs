//! From a name to a checked, committed, built service.
//!
//! # The map
//! One run is a row of types; each arrow consumes what stands before it, so an unverified service
//! cannot be published, and every failure before the last arrow leaves the world as it was.
//!
//! ```text
//!  typed         told           found      decided    promised        files      proof        visible
//!  Args ─read─▶ Settings ─look─▶ World ─fresh─▶ Plan ─reserve─▶ Reservation ─write─▶ Stage ─verify─▶ Verified ─publish─▶ Published
//!  no I/O       ask fills gaps              pure; dry run   given back     hidden,    only verify.rs   one rename
//!                                           stops here      on drop        gone on    makes one
//!                                                                          drop
//! ```
//!
//! | module | one line | the only one that |
//! |---|---|---|
//! | `args` | clap's view of the command line | names clap |
//! | `settings` | flag > variable > nearest file > default; all that is wrong at once | reads settings files |
//! | `questions` | what a template asks, and what an answer may be | – |
//! | `answers` | every answer, or all that is missing at once | – |
//! | `ask` | asks what is left open, if a human is there | names dialoguer |
//! | `name` | `ServiceName` and what derives from it, or why not | – |
//! | `world` | what is there: destination, repository, workspace, port, cargo | – |
//! | `plan` | every decision, before anything is written | – |
//! | `source` | where a template comes from, and its files, checked | names `tar`, `zip`, and walkdir for templates |
//! | `template` | the embedded tree, today's and every released one, or one from elsewhere | – |
//! | `manifest` | `template.toml`: what a native template says of itself | – |
//! | `foreign` | templates of cargo-generate | names cargo-generate, liquid, rhai |
//! | `parts` | which parts a service has; the others leave no trace | names syn |
//! | `trust` | what a template would run, and whether somebody agreed | knows what was agreed to |
//! | `render` | from a template and answers to files | – |
//! | `child` | this very program again, behind walls, for what others wrote | names landlock |
//! | `fill` | what the files say: `*.hbs`, strict, unescaped | names handlebars |
//! | `stamp` | `Cargo.toml`, `Cargo.lock`, `service.toml` with the service's name | – |
//! | `ports` | takes a port from Atlas, which gives it back on failure | names `atlas` |
//! | `stage` | the hidden directory beside the destination | writes the tree |
//! | `hooks` | commands of a template, in the stage | – |
//! | `repo` | repositories, commits, packs, ids of trees, the cache of templates; merges, and how they land | names git2 |
//! | `workspace` | membership, proven in a mirror | edits files that are not ours |
//! | `verify` | cargo on a stage | knows cargo's arguments |
//! | `cache` | compiled crates, shared by a user's services | knows what cargo compiles into |
//! | `wrap` | keeps the stage's path out of what rustc writes | – |
//! | `process` | runs a program that ends with us | spawns |
//! | `interrupt` | ctrl-c and SIGTERM unwind the run | names signal-hook |
//! | `swap` | replaces files that are not ours, all or none | – |
//! | `publish` | the one visible moment | writes outside the stage |
//! | `report` | every word, colour and bar; `--format json` | prints; names indicatif |
//! | `error` | what can go wrong: kind, help, exit code | – |
//! | `client` | a typed client of another service, written into one that is there | names ureq |
//! | `update` | brings a service to another version of its template; has a map of its own | – |
//! | `author` | for authors of templates: new, check, test, describe | names similar |
//! | `dirs` | the user's directories | – |
//!
//! A template of others takes two steps more: it is *obtained* before the questions, and *rendered*
//! while the world is looked at, by a child process, since its author may have written anything.
//! The plan then decides on files, wherever they come from.
//!
//! An update is another row of types, in `update`: it ends in the same stage and the same proof, and
//! then in a commit of the service's repository.
//!
//! What is absent: nobody but `report` prints, and `name`, `plan`, `fill` and `stamp` do no I/O.

pub mod answers;
pub mod args;
pub mod ask;
pub mod author;
pub mod cache;
pub mod child;
pub mod client;
pub mod dirs;
pub mod error;
pub mod fill;
pub mod foreign;
pub mod hooks;
pub mod interrupt;
pub mod manifest;
pub mod name;
pub mod parts;
pub mod plan;
pub mod ports;
pub mod process;
pub mod publish;
pub mod questions;
pub mod render;
pub mod repo;
pub mod report;
pub mod settings;
pub mod source;
pub mod stage;
pub mod stamp;
pub mod swap;
pub mod template;
pub mod trust;
pub mod update;
pub mod verify;
pub mod workspace;
pub mod world;
pub mod wrap;

use std::ffi::OsString;
use std::panic::resume_unwind;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::thread;

use args::{CacheJob, Cli, Command, TemplateJob, TrustJob};
use error::{Error, Kind, Result};
use plan::{Git, Plan};
use ports::{Offer, Reservation};
use publish::Published;
use repo::Pack;
use report::{Report, Step};
use settings::{Color, Format, Settings};
use stage::Stage;
use template::Template;
use world::World;

/// The whole program: the words of the command line, program first, to an exit code.
pub fn run(words: impl IntoIterator<Item = OsString>) -> ExitCode {
    let words = words.into_iter().collect::<Vec<_>>();
    let report = Report::new(args::wanted_format(&words), Color::Auto, false);
    match args::parse(words) {
        Err(error) => args::not_understood(&error, &report),
        Ok(Cli {
            command: Some(command),
            ..
        }) => small_job(command, report),
        Ok(Cli {
            command: None,
            create,
        }) => main_job(create, report),
    }
}

/// Tells a failure to run as cargo's wrapper of rustc.
#[must_use]
pub fn cannot_become_rustc(error: &std::io::Error) -> ExitCode {
    let error = Error::new(Kind::Tool, format!("cannot run rustc: {error}"));
    Report::new(Format::Human, Color::Auto, false).failed(&error);
    ExitCode::from(error.kind.code())
}

fn small_job(command: Command, report: Report) -> ExitCode {
    report::print(&match command {
        Command::Client(wish) => return ended(&report, write_client(&wish, &report)),
        Command::Cache { job } => return ended(&report, cache_job(job)),
        Command::Template { job } => return template_job(job, report),
        Command::Trust { job } => return trust_job(job.unwrap_or(TrustJob::List), report),
        Command::Update(wish) => return update_job(&wish, report),
        Command::Diff(wish) => {
            return with_settings((&wish).into(), report, |settings, cwd, report| {
                update::diff::run(&wish, &settings, cwd, report)
            });
        }
        Command::Warm(wish) => return warm_job(wish, report),
        Command::Completions { shell } => args::completions(shell),
        Command::Man => args::manual(),
        Command::Schema => report::schema(),
    });
    ExitCode::SUCCESS
}

fn write_client(wish: &args::Client, report: &Report) -> Result<()> {
    let cwd = working_directory()?;
    interrupt::listen()?;
    let written = client::write(wish, &cwd, report)?;
    report.client(&written);
    Ok(())
}

fn cache_job(job: Option<CacheJob>) -> Result<()> {
    let root = cache::root()?;
    report::print(&match job.unwrap_or(CacheJob::Show) {
        CacheJob::Show => report::cache::shown(&root, &cache::show(&root)),
        CacheJob::Verify => report::cache::whole(&root, cache::verify(&root)?),
        CacheJob::Clean => report::cache::emptied(&root, &cache::clean(&root)?),
    });
    Ok(())
}

fn template_job(job: TemplateJob, report: Report) -> ExitCode {
    match job {
        TemplateJob::Check(wish) => with_settings(wish.into(), report, |settings, _, report| {
            author::check(&settings, report)
        }),
        TemplateJob::Describe(wish) => with_settings(wish.into(), report, |settings, _, report| {
            author::describe(&settings, report)
        }),
        TemplateJob::New { dir } => {
            with_settings(args::Create::default(), report, |settings, cwd, report| {
                author::new(&settings, &cwd.join(dir), report)
            })
        }
        TemplateJob::Schema => {
            report::print(&manifest::schema());
            ExitCode::SUCCESS
        }
        TemplateJob::Test(wish) => {
            let (review, samples) = (wish.review, wish.sample.clone());
            with_settings(wish.into(), report, |settings, _, report| {
                author::test(&settings, report, (review, &samples))
            })
        }
    }
}

fn trust_job(job: TrustJob, report: Report) -> ExitCode {
    match job {
        TrustJob::List => ended(
            &report,
            trust::list().map(|all| report::print(&report::trust::listed(&all))),
        ),
        TrustJob::Add(wish) => with_settings(wish.into(), report, |settings, _, _| {
            let template = Template::find(&settings)?;
            let Some(origin) = &template.origin else {
                return Ok(());
            };
            let mut items = trust::items(&template, &settings);
            let migrations = template.migrations().iter().collect::<Vec<_>>();
            items.extend(trust::migration_items(&template, &migrations));
            trust::remember(origin, &items)?;
            report::print(&report::trust::agreed(&trust::source(origin), &items));
            Ok(())
        }),
        TrustJob::Remove(wish) => with_settings(wish.into(), report, |settings, _, _| {
            let source = trust::known_as(&settings)?;
            report::print(&report::trust::forgotten(&source, trust::forget(&source)?));
            Ok(())
        }),
    }
}

fn update_job(wish: &args::Update, report: Report) -> ExitCode {
    with_settings(wish.into(), report, |settings, cwd, report| {
        if wish.all {
            return update::all::run(wish, &settings, cwd, report);
        }
        update::run(wish, settings, cwd, report)
    })
}

fn warm_job(wish: args::Warm, report: Report) -> ExitCode {
    with_settings(wish.into(), report, |settings, _, report| {
        let root = cache::root()?;
        let template = Template::embedded();
        let plan = Plan::throwaway(&settings, root.clone(), &template)?;
        interrupt::listen()?;
        let made = std::fs::create_dir_all(&root);
        made.map_err(|error| cache::unusable("create", &root, &error))?;
        let stage = Stage::write(&plan)?;
        verify::warm(&stage, &plan, report)?;
        report.warmed(&root, &cache::show(&root));
        Ok(())
    })
}

fn main_job(typed: args::Create, report: Report) -> ExitCode {
    with_settings(typed, report, create)
}

fn with_settings(
    typed: args::Create,
    report: Report,
    job: impl FnOnce(Settings, &Path, &Report) -> Result<()>,
) -> ExitCode {
    let (report, outcome) = match working_directory() {
        Ok(cwd) => {
            let mut settings = Settings::read(typed, &cwd);
            let report = report.with(&settings);
            settings.human = ask::human(&settings, &report);
            let outcome = job(settings, &cwd, &report);
            (report, outcome)
        }
        Err(error) => (report, Err(error)),
    };
    ended(&report, outcome)
}

fn ended(report: &Report, outcome: Result<()>) -> ExitCode {
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            report.failed(&error);
            ExitCode::from(error.kind.code())
        }
    }
}

fn working_directory() -> Result<PathBuf> {
    std::env::current_dir().map_err(|error| {
        Error::new(
            Kind::Destination,
            format!("the working directory is gone: {error}"),
        )
        .help("cd into one that exists")
    })
}

/// The story of the main job.
fn create(settings: Settings, cwd: &Path, report: &Report) -> Result<()> {
    let template = Template::find(&settings)?;
    let (settings, talked) = ask::complete(settings, cwd, &template, report)?;
    let (world, plan) = decide(&settings, cwd, &template)?;
    if settings.flags.dry_run {
        report.planned(&plan);
        return Ok(());
    }
    if talked {
        report.plan(&plan);
        ask::confirm()?;
    }
    interrupt::listen()?;
    let (plan, reservation) = promise(plan, world, &settings, &template)?;
    if !talked {
        report.plan(&plan);
    }
    let published = make(&plan, reservation, report).map_err(|error| with_wreck(error, &plan))?;
    update::kept::keep_for(&template, &plan, report);
    report.done(&plan, &published);
    Ok(())
}

fn decide(settings: &Settings, cwd: &Path, template: &Template) -> Result<(World, Plan)> {
    let mut world = World::look(settings, cwd, template)?;
    world.rendered = world.render(settings, template);
    let plan = Plan::fresh(settings, &world, template)?;
    Ok((world, plan))
}

/// A race for the port that was lost means another port, hence a new plan.
fn promise(
    plan: Plan,
    mut world: World,
    settings: &Settings,
    template: &Template,
) -> Result<(Plan, Reservation)> {
    let reservation = ports::reserve(settings, &plan)?;
    if reservation.port() == plan.port {
        return Ok((plan, reservation));
    }
    world.port = Ok(Offer::of(reservation.port()));
    world.rendered = world.render(settings, template);
    Ok((Plan::fresh(settings, &world, template)?, reservation))
}

fn make(plan: &Plan, reservation: Reservation, report: &Report) -> Result<Published> {
    let (stage, commit) = write(plan, report)?;
    let verified = verify::verify(stage, plan, report)?;
    interrupt::check()?;
    publish::publish(verified, reservation, plan, commit)
}

/// Writes the tree and commits it, if the service has a repository of its own. What git stores
/// is made while the disk is busy with the files.
fn write(plan: &Plan, report: &Report) -> Result<(Stage, Option<String>)> {
    if plan.origin.is_some() {
        return write_others(plan, report);
    }
    let Git::Own { branch } = &plan.git else {
        let stage = report.step(Step::Generate, plan, || Stage::write(plan))?;
        return Ok((stage, None));
    };
    thread::scope(|scope| {
        let pack = scope.spawn(|| Pack::of(&plan.files));
        let stage = report.step(Step::Generate, plan, || Stage::write(plan))?;
        let commit = report.step(Step::Git, plan, || {
            let pack = pack.join().unwrap_or_else(|panic| resume_unwind(panic))?;
            repo::found(&stage.tree, branch, &pack, &plan.message())
        })?;
        Ok((stage, Some(commit.to_string())))
    })
}

/// A template of others leaves some of the tree to its commands and to cargo, so that only then
/// there is something to commit.
fn write_others(plan: &Plan, report: &Report) -> Result<(Stage, Option<String>)> {
    let mut stage = report.step(Step::Generate, plan, || Stage::write(plan))?;
    if !plan.hooks.is_empty() {
        report.step(Step::Hooks, plan, || hooks::run(&stage.tree, plan, report))?;
        stage.read_back()?;
    }
    verify::fetch(&stage, plan, report)?;
    stage.take_lock()?;
    let Git::Own { branch } = &plan.git else {
        return Ok((stage, None));
    };
    let commit = report.step(Step::Git, plan, || {
        repo::found(
            &stage.tree,
            branch,
            &Pack::of(&stage.files)?,
            &plan.message(),
        )
    })?;
    Ok((stage, Some(commit.to_string())))
}

fn with_wreck(error: Error, plan: &Plan) -> Error {
    let wreck = stage::wreck(plan);
    if plan.keep_on_failure && wreck.exists() {
        let mut error = error.help(format!("what was made is in `{}`", wreck.display()));
        if error.kind == Kind::Interrupted {
            "interrupted".clone_into(&mut error.message);
        }
        return error;
    }
    error
}

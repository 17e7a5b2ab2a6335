//! What the kernel keeps a child from.

use std::path::Path;

use rustix::process::{Resource, Rlimit, setrlimit};

use super::Limits;

/// Files that may be open at once.
const OPEN: u64 = 1024;

/// Limits this process and all it will start. Whether it can now write to `dir` only: not where
/// the kernel has no such walls, nor where commands are to run, which are trusted with more.
pub fn raise(limits: Limits, dir: &Path, commands: bool) -> bool {
    let limit = |resource, to: u64| {
        let limit = Rlimit {
            current: Some(to),
            maximum: Some(to),
        };
        // A limit that is lower already stays so.
        let _ = setrlimit(resource, limit);
    };
    limit(Resource::As, limits.memory);
    limit(Resource::Cpu, limits.time.as_secs().max(1) + 1);
    limit(Resource::Fsize, limits.file);
    limit(Resource::Core, 0);
    limit(Resource::Nofile, OPEN);
    !commands && confine(dir)
}

/// No writing outside `dir`, no starting of programs, no connections.
#[cfg(target_os = "linux")]
fn confine(dir: &Path) -> bool {
    use landlock::{
        ABI, Access as _, AccessFs, AccessNet, CompatLevel, Compatible as _, Ruleset,
        RulesetAttr as _, RulesetCreatedAttr as _, RulesetStatus, path_beneath_rules,
    };
    let abi = ABI::V5;
    let walls = || {
        let ruleset = Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_write(abi) | AccessFs::Execute)?
            .handle_access(AccessNet::from_all(abi))?;
        let own = path_beneath_rules([dir], AccessFs::from_write(abi));
        ruleset.create()?.add_rules(own)?.restrict_self()
    };
    let status = walls().map(|status| status.ruleset);
    matches!(status, Ok(status) if status != RulesetStatus::NotEnforced)
}

#[cfg(not(target_os = "linux"))]
fn confine(_: &Path) -> bool {
    false
}

//! Branches that updates are committed on without being checked out.

use git2::{Branch, BranchType, Commit, Oid, Repository};

use super::checkout::Checkout;
use super::failed;
use super::land::locks::sweep_reference;
use crate::error::{Error, Kind, Result};

impl Checkout {
    /// Fails unless a commit may be put on the branch `name`: there is none, or its last commit
    /// `is_ours` by its message. Nobody may stand on it, in any worktree.
    pub fn branch_is_free(&self, name: &str, is_ours: &dyn Fn(&str) -> bool) -> Result<()> {
        if !Branch::name_is_valid(name).unwrap_or(false) {
            let message = format!("`{}` is no name for a branch", name.escape_debug());
            return Err(Error::new(Kind::Usage, message).help("choose another: --branch=NAME"));
        }
        let look = || -> Result<Option<&str>, git2::Error> {
            let Ok(branch) = self.repository.find_branch(name, BranchType::Local) else {
                return Ok(None);
            };
            let tip = branch.get().peel_to_commit()?;
            Ok(if self.is_checked_out(name)? {
                Some("is checked out")
            } else if is_ours(&message(&tip)) {
                None
            } else {
                Some("is there, and somebody else made it")
            })
        };
        match look().map_err(|error| self.failed(&error))? {
            None => Ok(()),
            Some(why) => {
                let message = format!("the branch `{name}` {why}");
                Err(Error::new(Kind::Git, message).help("choose another: --branch=NAME"))
            }
        }
    }

    /// Whether a worktree of the repository, the first one among them, stands on the branch.
    fn is_checked_out(&self, name: &str) -> Result<bool, git2::Error> {
        let stands = |repository: &Repository| {
            let head = repository.find_reference("HEAD");
            let on = head
                .ok()
                .and_then(|head| head.symbolic_target_bytes().map(<[u8]>::to_owned));
            on.is_some_and(|on| on == format!("refs/heads/{name}").as_bytes())
        };
        let main = Repository::open(self.repository.commondir())?;
        let worktrees = self.repository.worktrees()?;
        let linked = worktrees.iter().flatten().flatten();
        let linked = linked.filter_map(|name| {
            let worktree = self.repository.find_worktree(name).ok()?;
            Repository::open_from_worktree(&worktree).ok()
        });
        Ok(stands(&main) || stands(&self.repository) || linked.into_iter().any(|it| stands(&it)))
    }

    /// Puts a commit on a branch for which `branch_is_free`. One that holds the same is left as it
    /// is, and is the answer. A lock is taken away that an update has left which was killed.
    pub fn branch(&self, name: &str, commit: Oid, is_ours: &dyn Fn(&str) -> bool) -> Result<Oid> {
        let make = || -> Result<Oid, git2::Error> {
            let repository = Repository::open(self.repository.path())?;
            let new = repository.find_commit(commit)?;
            let reference = format!("refs/heads/{name}");
            sweep_reference(&repository, &reference, |text| {
                let left = Oid::from_str(text).and_then(|id| repository.find_commit(id));
                left.is_ok_and(|left| is_ours(&message(&left)))
            });
            if let Ok(old) = repository.find_reference(&reference) {
                let old = old.peel_to_commit()?;
                let same_ground = old.parent_ids().eq(new.parent_ids());
                if old.tree_id() == new.tree_id() && same_ground {
                    return Ok(old.id());
                }
            }
            repository.reference(&reference, commit, true, "generate-service update")?;
            Ok(commit)
        };
        make().map_err(|error| failed("create a branch in", &self.root, &error))
    }
}

fn message(commit: &Commit) -> String {
    String::from_utf8_lossy(commit.message_bytes()).into_owned()
}

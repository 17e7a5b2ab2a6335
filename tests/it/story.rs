//! The main job, as its user sees it.

use crate::git::quiet_port;
use crate::sandbox::{Run, Sandbox};

#[test]
fn the_narrative_is_exact() {
    let sandbox = Sandbox::new();
    let port = quiet_port(&sandbox);
    let words = ["my-awesome-service", "--build", "none", "--port", &port];
    let run = sandbox.run(words).ok();
    assert_eq!(
        sandbox.anonymous(&run.stderr).replace(&port, "5000"),
        "Creating a service skeleton with this configuration:\n\
         \n  \
           Service name:           my-awesome-service\n  \
           Destination directory:  [ROOT]/work/my-awesome-service\n  \
           Rust crate name:        my_awesome_service\n  \
           HTTP port:              5000\n\
         \n\
         1. Generating files in [ROOT]/work/my-awesome-service\n\
         2. Initializing Git repository in [ROOT]/work/my-awesome-service\n\
         \n\
         All done! my-awesome-service source code can be found in [ROOT]/work/my-awesome-service\n  \
           cd [ROOT]/work/my-awesome-service && cargo run     # http://127.0.0.1:5000/health/live\n"
    );
    assert_eq!(
        sandbox.anonymous(&run.stdout),
        "[ROOT]/work/my-awesome-service\n"
    );
}

#[test]
fn below_home_paths_are_said_as_people_write_them() {
    let sandbox = Sandbox::new();
    let run = Run::of(
        sandbox
            .generator()
            .args(["orders", "--build", "none"])
            .current_dir(sandbox.home()),
    )
    .ok();
    assert!(
        run.stderr.contains("cd ~/orders && cargo run"),
        "{}",
        run.stderr
    );
    assert_eq!(sandbox.anonymous(&run.stdout), "[ROOT]/home/orders\n");
}

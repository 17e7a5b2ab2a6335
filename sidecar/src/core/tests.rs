//! The core, with a model of `HAProxy` that does what commands say.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::time::Duration;

use atlas::{InstanceId, ServiceName, Weight};

use super::commands::{Command, Place, complaint, lines};
use super::layout::{Backend, FEWEST, Layout, SPARES, slots_for};
use super::plan::{Plan, Reload};
use super::render::{self, Setup};
use super::view::{Admin, Endpoint, View};
use crate::home::PlainPath;

fn view(instances: &[(&str, Admin)]) -> View {
    let mut view = View::default();
    for (name, admin) in instances {
        let id: InstanceId = name.parse().expect("an instance");
        let endpoint = Endpoint {
            addr: SocketAddr::new([127, 0, 0, 1].into(), id.port.get()),
            weight: Weight::default(),
            admin: *admin,
        };
        let service = view.services.entry(id.service.clone()).or_default();
        service.insert(id, endpoint);
    }
    view
}

fn name(text: &str) -> ServiceName {
    text.parse().expect("a name")
}

/// What a worker would route: by service, who is ready and who drains.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Model {
    servers: BTreeMap<String, (Option<SocketAddr>, u16, &'static str)>,
    routes: BTreeMap<String, String>,
}

impl Model {
    fn load(layout: &Layout) -> Self {
        let mut model = Self::default();
        for (backend, slots) in &layout.backends {
            for (index, slot) in slots.iter().enumerate() {
                let server = slot.as_ref().map_or((None, 0, "maint"), |(_, one)| {
                    (Some(one.addr), one.weight.into(), word(one.admin))
                });
                model
                    .servers
                    .insert(format!("{backend}/slot{index}"), server);
            }
        }
        let routes = layout.routes.iter();
        model.routes = routes
            .map(|(service, backend)| (service.to_string(), backend.to_string()))
            .collect();
        model
    }

    fn run(&mut self, commands: &[Command]) {
        for command in commands {
            match command {
                Command::Address(at, to) => self.server(at).0 = Some(*to),
                Command::Weight(at, weight) => self.server(at).1 = (*weight).into(),
                Command::Admin(at, admin) => self.server(at).2 = word(*admin),
                Command::Vacate(at) => *self.server(at) = (None, 0, "maint"),
                Command::AddRoute(service, backend) => {
                    let before = self.routes.insert(service.to_string(), backend.to_string());
                    assert_eq!(before, None, "`add map` twice makes two entries");
                }
                Command::DropRoute(service) => {
                    assert!(self.routes.remove(service.as_str()).is_some());
                }
            }
        }
    }

    fn server(&mut self, at: &Place) -> &mut (Option<SocketAddr>, u16, &'static str) {
        self.servers
            .get_mut(&at.to_string())
            .expect("No such server.")
    }
}

fn word(admin: Admin) -> &'static str {
    match admin {
        Admin::Ready => "ready",
        Admin::Drain => "drain",
    }
}

#[test]
fn slots_leave_room_for_as_many_again() {
    let slots = [0, 1, 2, 3, 4, 5, 100].map(slots_for);
    assert_eq!(slots, [4, 4, 4, 8, 8, 16, 256]);
}

#[test]
fn the_last_spares_do_not_wait_for_quiet() {
    let mut layout = Layout::canonical(&View::default());
    let mut reloads = Vec::new();
    let mut after = View::default();
    for number in 0..usize::from(SPARES) {
        let one = view(&[(&format!("s{number}@h:1"), Admin::Ready)]);
        after.services.extend(one.services);
        let plan = Plan::new(layout, &after);
        layout = plan.next;
        reloads.push(plan.reload);
    }
    let at_once = reloads.iter().position(|reload| *reload == Reload::Now);
    assert_eq!(at_once, Some(usize::from(SPARES) - 9));
    assert!(layout.free_spares().next().is_none());
}

#[test]
fn an_instance_more_is_commands_in_the_order_that_loses_nothing() {
    let before = view(&[("a@h:1", Admin::Ready)]);
    let after = view(&[("a@h:2", Admin::Ready)]);
    let plan = Plan::new(Layout::canonical(&before), &after);
    assert_eq!(plan.reload, Reload::No);
    let map = PlainPath::new("/m".as_ref()).expect("plain");
    assert_eq!(
        lines(&plan.commands, &map),
        [
            "set server be_a/slot1 addr 127.0.0.1 port 2; set server be_a/slot1 weight 100; \
          set server be_a/slot1 state ready; set server be_a/slot0 state maint"
        ]
    );
}

#[test]
fn a_new_service_gets_a_spare_backend_at_once_and_its_own_later() {
    let after = view(&[("new@h:1", Admin::Ready)]);
    let plan = Plan::new(Layout::canonical(&View::default()), &after);
    assert_eq!(plan.reload, Reload::Later);
    assert_eq!(plan.next.routes[&name("new")], Backend::Spare(0));
    let last = Command::AddRoute(name("new"), Backend::Spare(0));
    assert_eq!(plan.commands.last(), Some(&last));
    assert_eq!(Plan::new(plan.next, &after).commands, []);
}

#[test]
fn only_what_does_not_fit_needs_a_reload_now() {
    let many: Vec<_> = (1..=FEWEST + 1).map(|port| format!("a@h:{port}")).collect();
    let many: Vec<_> = many
        .iter()
        .map(|name| (name.as_str(), Admin::Ready))
        .collect();
    let one = view(&many[..1]);
    let plan = Plan::new(Layout::canonical(&one), &view(&many));
    assert_eq!(plan.reload, Reload::Now);
    assert_eq!(plan.next.free_slots(&name("a")), 0);

    let services: Vec<_> = (0..=SPARES)
        .map(|number| format!("s{number}@h:1"))
        .collect();
    let services: Vec<_> = services
        .iter()
        .map(|name| (name.as_str(), Admin::Ready))
        .collect();
    let plan = Plan::new(Layout::canonical(&View::default()), &view(&services));
    assert_eq!(plan.reload, Reload::Now);
    assert_eq!(plan.next.routes.len(), usize::from(SPARES));
}

/// Any walk through views ends where the plan says it does, and routes what the view says.
#[test]
fn commands_lead_to_the_layout_that_the_plan_promises() {
    let mut random = 42_u64;
    let mut roll = |sides: u64| {
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1);
        (random >> 33) % sides
    };
    let mut layout = Layout::default();
    let mut model = Model::default();
    for _ in 0..2000 {
        let mut next = View::default();
        for service in 0..roll(6) {
            next.services
                .insert(name(&format!("s{service}")), BTreeMap::new());
        }
        for _ in 0..roll(12) {
            let id = format!("s{}@h:{}", roll(6), 1 + roll(7));
            let admin = if roll(3) == 0 {
                Admin::Drain
            } else {
                Admin::Ready
            };
            let mut one = view(&[(&id, admin)]);
            let (service, endpoints) = one.services.pop_first().expect("one");
            next.services.entry(service).or_default().extend(endpoints);
        }
        let plan = Plan::new(layout, &next);
        model.run(&plan.commands);
        assert_eq!(model, Model::load(&plan.next));
        layout = plan.next;
        if plan.reload == Reload::Now || (plan.reload == Reload::Later && roll(4) == 0) {
            layout = Layout::canonical(&next);
            model = Model::load(&layout);
        } else {
            assert_eq!(routed(&layout), routed(&Layout::canonical(&next)));
        }
    }
}

/// By service, sorted: who is where.
fn routed(layout: &Layout) -> BTreeMap<&ServiceName, Vec<String>> {
    let of = |backend| {
        let slots = layout.backends[backend].iter().flatten();
        let mut who: Vec<_> = slots.map(|(id, one)| format!("{id} {one:?}")).collect();
        who.sort();
        who
    };
    layout
        .routes
        .iter()
        .map(|(service, at)| (service, of(at)))
        .collect()
}

#[test]
fn answers_of_the_socket_are_understood() {
    let fine = "no need to change the addr, port changed from '1' to '9001' by 'stats socket command'\n\n\n";
    assert_eq!(complaint(fine), None);
    assert_eq!(
        complaint(&format!("{fine}No such server.\n\n")),
        Some("No such server.")
    );
    assert_eq!(complaint("\nentry not found.\n"), Some("entry not found."));
}

#[test]
fn nothing_but_plain_words_reaches_the_configuration() {
    for hostile in [
        "/a b", "/a;b", "/a\nb", "relative", "/a\"b", "/a'b", "/a#b", "/ä",
    ] {
        assert!(PlainPath::new(hostile.as_ref()).is_err(), "{hostile:?}");
    }
    for hostile in ["x;y", "x y", "x\ny", "", "x,lower", "9x", "x)"] {
        assert!(
            hostile.parse::<crate::home::Header>().is_err(),
            "{hostile:?}"
        );
    }
    for hostile in [
        "a;show info@h:1",
        "a\n@h:1",
        "a@h:1;x",
        "a@h h:1",
        "A@h:1",
        "a@h:01",
        "a@h#:1",
    ] {
        assert!(hostile.parse::<InstanceId>().is_err(), "{hostile:?}");
    }
}

#[test]
fn equal_views_give_equal_bytes_whatever_was_before() {
    let setup = Setup {
        listen: ([127, 0, 0, 1], 4000).into(),
        stats: ([127, 0, 0, 1], 4002).into(),
        header: "X-Service".parse().expect("a header"),
        connect: Duration::from_millis(100),
        home: PlainPath::new("/run/atlas/local/sidecar".as_ref()).expect("plain"),
    };
    let all = view(&[
        ("identity@host001:5000", Admin::Ready),
        ("identity@host002:5000", Admin::Drain),
        ("search@host001:9200", Admin::Ready),
    ]);
    let layout = Layout::canonical(&all);
    let config = render::config(&setup, &layout);
    assert_eq!(config, render::config(&setup, &Layout::canonical(&all)));
    assert_eq!(
        render::map(&layout),
        "identity be_identity\nsearch be_search\n"
    );
    assert!(
        config.contains("server slot1 127.0.0.1:5000 weight 100 disabled # identity@host002:5000")
    );
}

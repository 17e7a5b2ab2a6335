//! What the thread is given, it writes.

use std::sync::mpsc::{Receiver, Sender, channel};

use super::*;

/// Takes what is written, once the test lets it.
struct Slow {
    entered: Sender<()>,
    gate: Receiver<()>,
    written: Sender<Vec<u8>>,
}

impl Write for Slow {
    fn write(&mut self, lines: &[u8]) -> io::Result<usize> {
        let _ = self.entered.send(());
        let _ = self.gate.recv();
        let _ = self.written.send(lines.to_vec());
        Ok(lines.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// The way to it, and what it says.
struct Table {
    background: Background,
    entered: Receiver<()>,
    gate: Sender<()>,
    written: Receiver<Vec<u8>>,
}

fn table() -> Table {
    let ((enter, entered), (open, gate), (write, written)) = (channel(), channel(), channel());
    let slow = Slow {
        entered: enter,
        gate,
        written: write,
    };
    Table {
        background: Background::new(slow),
        entered,
        gate: open,
        written,
    }
}

impl Table {
    fn log(&self, line: &str) {
        self.background.clone().write_all(line.as_bytes()).unwrap();
    }

    /// All of it, once nothing is slow any more.
    fn text(self) -> String {
        drop(self.gate);
        self.background.flush();
        String::from_utf8(self.written.try_iter().flatten().collect()).unwrap()
    }
}

#[test]
fn a_line_that_comes_alone_is_written_at_once() {
    let table = table();
    table.gate.send(()).unwrap();
    table.log("one\n");
    assert_eq!(table.written.recv_timeout(PATIENCE).unwrap(), b"one\n");
}

#[test]
fn lines_of_many_threads_are_whole_and_none_is_lost() {
    let table = table();
    thread::scope(|scope| {
        for name in 0..4 {
            let to = &table.background;
            scope.spawn(move || {
                let line = |i| format!("{name} {i}\n");
                (0..10_000).for_each(|i| to.clone().write_all(line(i).as_bytes()).unwrap());
            });
        }
    });
    let text = table.text();
    for name in 0..4 {
        let name = format!("{name} ");
        let own = text.lines().filter_map(|line| line.strip_prefix(&name));
        let numbers = own.map(|number| number.parse::<usize>().unwrap());
        assert!(numbers.eq(0..10_000));
    }
}

#[test]
fn lines_that_find_no_room_are_counted() {
    let table = table();
    table.log("first\n");
    table.entered.recv_timeout(PATIENCE).unwrap();
    let half = "x".repeat(MOST / 2);
    (0..3).for_each(|_| table.log(&half));
    let text = table.text();
    assert!(text.starts_with("first\nx"));
    assert!(text.ends_with("\"lost\":1}\n"));
}

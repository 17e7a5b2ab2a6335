//! Random trees of files, and random changes of them.

use std::collections::BTreeMap;

/// xorshift64*: small, and the same on every machine.
pub struct Random(u64);

/// A file of a tree.
#[derive(Clone, PartialEq, Eq)]
pub struct File {
    pub bytes: Vec<u8>,
    pub runs: bool,
}

impl std::fmt::Debug for File {
    fn fmt(&self, f: &mut std::fmt::Formatter) -> std::fmt::Result {
        let text = String::from_utf8_lossy(&self.bytes);
        write!(f, "{}{text:?}", if self.runs { "* " } else { "" })
    }
}

/// A tree, by path.
pub type Files = BTreeMap<String, File>;

const DIRS: [&str; 5] = ["", "src/", "src/deep/er/", "docs and more/", "dïr/"];
const STEMS: [&str; 7] = ["a", "with space ", "ünï", "日本", "UPPER", "quo'te", ".dot"];
const ENDS: [&str; 4] = ["", ".txt", ".rs", ".md"];
/// What stands in many places, so that a merge cannot go by the lines alone.
const COMMON: [&str; 4] = ["", "}", "    Ok(())", "fn main() {"];

impl Random {
    /// Neighbouring seeds have nothing in common.
    pub fn new(seed: u64) -> Self {
        let mut random = Self((seed + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1);
        for _ in 0..8 {
            random.next();
        }
        random
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D) >> 16
    }

    /// A number below `end`, which is not 0.
    pub fn below(&mut self, end: usize) -> usize {
        let end = u64::try_from(end).expect("a number");
        usize::try_from(self.next() % end).expect("a number")
    }

    /// Yes, once in `times`.
    pub fn once_in(&mut self, times: usize) -> bool {
        self.below(times) == 0
    }

    /// One of them.
    pub fn pick<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    fn path(&mut self, files: &Files) -> Option<String> {
        let paths = files.keys().collect::<Vec<_>>();
        (!paths.is_empty()).then(|| (*self.pick(&paths)).clone())
    }
}

/// Someone who writes files; each line of theirs says so, and is there once.
pub struct Author<'a> {
    random: &'a mut Random,
    name: &'static str,
    lines: usize,
}

impl<'a> Author<'a> {
    pub fn new(random: &'a mut Random, name: &'static str) -> Self {
        Self {
            random,
            name,
            lines: 0,
        }
    }

    fn line(&mut self) -> String {
        if self.random.once_in(8) {
            return (*self.random.pick(&COMMON)).to_owned();
        }
        self.lines += 1;
        format!("{} {}", self.name, self.lines)
    }

    /// A tree of 3 to 12 files.
    pub fn tree(&mut self) -> Files {
        let mut files = Files::new();
        for number in 0..3 + self.random.below(10) {
            let path = self.name(number);
            let file = self.file();
            files.insert(path, file);
        }
        files
    }

    fn name(&mut self, number: usize) -> String {
        let (dir, stem) = (self.random.pick(&DIRS), self.random.pick(&STEMS));
        format!("{dir}{stem}{number}{}", self.random.pick(&ENDS))
    }

    /// Some have no lines, some no end of the last one, some ends of DOS.
    fn file(&mut self) -> File {
        let runs = self.random.once_in(8);
        let bytes = match self.random.below(12) {
            0 => self.binary(),
            1 => Vec::new(),
            kind => {
                let end = if kind == 2 { "\r\n" } else { "\n" };
                let lines = (0..=self.random.below(40)).map(|_| self.line());
                let mut text = lines.collect::<Vec<_>>().join(end);
                if kind != 3 {
                    text.push_str(end);
                }
                text.into_bytes()
            }
        };
        File { bytes, runs }
    }

    /// Bytes that are no text, large enough to be known again.
    fn binary(&mut self) -> Vec<u8> {
        let mut bytes = vec![0];
        bytes.extend((0..200).map(|_| self.random.next().to_le_bytes()[0]));
        bytes
    }

    /// Changes a tree, one to six times.
    pub fn change(&mut self, files: &mut Files) {
        for _ in 0..=self.random.below(6) {
            let Some(path) = self.random.path(files) else {
                return;
            };
            match self.random.below(16) {
                0 => drop(files.remove(&path)),
                1 => self.rename(files, &path, false),
                2 => self.rename(files, &path, true),
                3 => self.move_directory(files, &path),
                4 if self.random.once_in(2) => self.become_directory(files, &path),
                4 => self.become_file(files, &path),
                5 => {
                    // Few names, so that both sides choose the same now and then.
                    let path = format!("new {}.txt", self.random.below(4));
                    let file = self.file();
                    files.insert(path, file);
                }
                6 => {
                    let file = files.get_mut(&path).expect("it is there");
                    file.runs = !file.runs;
                }
                _ => self.edit(files.get_mut(&path).expect("it is there")),
            }
        }
    }

    fn rename(&mut self, files: &mut Files, path: &str, edited: bool) {
        let mut file = files.remove(path).expect("it is there");
        if edited {
            self.edit_lines(&mut file, 1);
        }
        let dir = self.random.pick(&DIRS);
        let old = path.rsplit('/').next().expect("a name");
        let new = match self.random.below(3) {
            // The same name elsewhere is known by its name.
            0 => format!("{dir}{old}"),
            _ => format!("{dir}{} {old}", self.name),
        };
        files.insert(new, file);
    }

    fn move_directory(&mut self, files: &mut Files, path: &str) {
        let Some((dir, _)) = path.rsplit_once('/') else {
            return;
        };
        let new = format!("{} {}", self.name, self.random.below(2));
        let moved = |path: &String| Some(format!("{new}{}", path.strip_prefix(dir)?));
        let all = std::mem::take(files).into_iter();
        let all = all.map(|(path, file)| (moved(&path).unwrap_or(path), file));
        *files = all.collect();
    }

    /// Where a file was, there is a directory.
    fn become_directory(&mut self, files: &mut Files, path: &str) {
        if !self.random.once_in(2) {
            return;
        }
        files.remove(path);
        let file = self.file();
        files.insert(format!("{path}/inner"), file);
    }

    /// Where a directory was, there is a file.
    fn become_file(&mut self, files: &mut Files, path: &str) {
        let Some((dir, _)) = path.rsplit_once('/') else {
            return;
        };
        if self.random.once_in(2) {
            let below = format!("{dir}/");
            files.retain(|path, _| !path.starts_with(&below));
            let file = self.file();
            files.insert(dir.to_owned(), file);
        }
    }

    fn edit(&mut self, file: &mut File) {
        if file.bytes.first() == Some(&0) {
            file.bytes = self.binary();
            return;
        }
        for _ in 0..=self.random.below(3) {
            self.edit_lines(file, 3);
        }
    }

    /// Takes up to `most` lines out and puts up to as many others there.
    fn edit_lines(&mut self, file: &mut File, most: usize) {
        let Ok(text) = std::str::from_utf8(&file.bytes) else {
            return;
        };
        let end = if text.contains("\r\n") { "\r\n" } else { "\n" };
        let mut lines = text.split_inclusive('\n').map(str::to_owned);
        let mut lines = lines.by_ref().collect::<Vec<_>>();
        let at = self.random.below(lines.len() + 1);
        let gone = self.random.below(most + 1).min(lines.len() - at);
        let come = self.random.below(most + 1).max(usize::from(gone == 0));
        let new = (0..come).map(|_| self.line() + end).collect::<Vec<_>>();
        // What comes after a line without an end begins a new one.
        if let Some(last) = lines[..at].last_mut().filter(|last| !last.ends_with('\n'))
            && come > 0
        {
            last.push_str(end);
        }
        lines.splice(at..at + gone, new);
        file.bytes = lines.concat().into_bytes();
    }
}

/// Whether the trees can lie on a disk: no file where another needs a directory.
pub fn can_be(files: &Files) -> bool {
    files.keys().all(|path| {
        let mut above = path.match_indices('/').map(|(at, _)| &path[..at]);
        above.all(|dir| !files.contains_key(dir))
    })
}

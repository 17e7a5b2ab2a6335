//! Templates that mean harm, or that no machine could take: each is refused in so many words,
//! soon, in little memory, and nothing outside of the cache is touched.

use std::ffi::OsStr;
use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::symlink;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder};
use generate_service::error::Kind;
use generate_service::source::limits::{check_names, check_path};
use git2::{ObjectType, Oid, Repository, Signature};

use crate::origin::Wish;
use crate::sandbox::{Run, Sandbox, snapshot};

/// Address space for each; what may be read is a quarter of it.
const SPACE: u64 = 1 << 30;
/// What of it may be used, in KiB: a full tree, and as much again while a vector grows.
const MEMORY: u64 = 480 << 10;
/// On a slow machine that does other things as well, unoptimised.
const PATIENCE: Duration = Duration::from_secs(100);

/// What it is, how it is made in a directory and which source it then is, what the refusal says.
type Row = (&'static str, fn(&Path) -> PathBuf, &'static str);

/// Fails unless each of `rows` is refused as it should be.
#[track_caller]
fn all_refused(rows: &[Row]) {
    for (name, make, says) in rows {
        let sandbox = Sandbox::new();
        let place = sandbox.root().join("hostile");
        fs::create_dir_all(place.join("template")).expect("a directory");
        for dir in ["home", "work", "outside"] {
            sandbox.write(format!("{dir}/canary"), "alive");
        }
        let source = make(&place);
        let outside = || ["home", "work", "outside"].map(|dir| snapshot(&sandbox.root().join(dir)));
        let before = outside();
        let wish = Wish::new(&sandbox, source.to_str().expect("a text"));
        let answer = wish.within(SPACE).get();
        assert_eq!(answer.said["kind"], "template", "{name}: {}", answer.said);
        let said = answer.text("error");
        assert!(said.contains(says), "{name}: `{says}` is not in `{said}`");
        assert!(
            !said.contains(|letter: char| letter.is_control()),
            "{name}: {said:?}"
        );
        let peak = answer.said["peak"].as_u64().expect("a number");
        assert!(peak < MEMORY, "{name}: {peak} KiB");
        assert!(answer.took < PATIENCE, "{name}: {:?}", answer.took);
        assert_eq!(outside(), before, "{name}");
    }
}

/// Writes a file into the template that lies in `place`, next to one that is as it should be.
fn with(place: &Path, name: impl AsRef<OsStr>, text: &str) -> PathBuf {
    let template = place.join("template");
    let path = template.join(Path::new(name.as_ref()));
    fs::create_dir_all(path.parent().expect("a parent")).expect("directories");
    fs::write(template.join("README.md"), "# {{ name }}\n").expect("a file");
    fs::write(path, text).expect("a file");
    template
}

/// A link in the template.
fn linked(place: &Path, name: &str, target: &str) -> PathBuf {
    let template = with(place, "src/main.rs", "");
    symlink(target, template.join(name)).expect("a link");
    template
}

/// Files of `bytes` each, without a block on the disk.
fn sparse(place: &Path, count: usize, bytes: u64) -> PathBuf {
    let template = with(place, "src/main.rs", "");
    for number in 0..count {
        let file = File::create(template.join(format!("f{number}"))).expect("a file");
        file.set_len(bytes).expect("a length");
    }
    template
}

const DIRECTORIES: &[Row] = &[
    (
        "a file of 10 GB",
        |at| sparse(at, 1, 10 << 30),
        "`f0` is larger than 64 MiB",
    ),
    (
        "a file of 64 MiB and a byte",
        |at| sparse(at, 1, (64 << 20) + 1),
        "larger than 64 MiB",
    ),
    (
        "five files of 60 MiB",
        |at| sparse(at, 5, 60 << 20),
        "holds more than 256 MiB",
    ),
    (
        "1,000 directories deep",
        deep_directories,
        "is more than 64 directories deep",
    ),
    ("too many files", many_files, "holds more than 50000 files"),
    (
        "nothing but directories",
        many_directories,
        "more than 100000 files and directories",
    ),
    ("nothing", |at| at.join("template"), "holds no files"),
    ("a named pipe", named_pipe, "`pipe` is a named pipe"),
    ("a socket", socket, "`socket` is a socket"),
    (
        "a link to a file of the system",
        |at| linked(at, "x", "/etc/passwd"),
        "`x` is a link that leads out of it, to `/etc/passwd`",
    ),
    (
        "a link to above",
        |at| linked(at, "x", ".."),
        "leads out of it, to `..`",
    ),
    (
        "a link to the canary",
        |at| linked(at, "src/x", "../../../home/canary"),
        "leads out",
    ),
    (
        "a link out and in again",
        |at| linked(at, "x", "src/../../template/README.md"),
        "leads out",
    ),
    (
        "a link to a drive",
        |at| linked(at, "x", "C:\\Windows"),
        "leads out",
    ),
    (
        "a repository inside",
        |at| with(at, "sub/.git/hooks/post-checkout", ""),
        "`sub/.git` would be part of git's own directory",
    ),
    (
        "a file .git inside",
        |at| with(at, "sub/.git", "gitdir: /"),
        "part of git's own directory",
    ),
    (
        ".GIT",
        |at| with(at, ".GIT/config", ""),
        "`.GIT` would be part of git's own directory",
    ),
    (
        "git~1",
        |at| with(at, "GIT~1/config", ""),
        "part of git's own directory",
    ),
    (
        ".git and a dot",
        |at| with(at, ".git./config", ""),
        "part of git's own directory",
    ),
    (
        ".git and a space",
        |at| with(at, ".git /config", ""),
        "part of git's own directory",
    ),
    (
        "two cases",
        |at| {
            with(at, "Src/a", "");
            with(at, "src/b", "")
        },
        "by case or composition alone",
    ),
    (
        "two compositions",
        |at| {
            with(at, "e\u{301}", "");
            with(at, "é", "")
        },
        "by case or composition alone",
    ),
    (
        "two cases of one letter",
        |at| {
            with(at, "STRASSE", "");
            with(at, "straße", "")
        },
        "by case or composition alone",
    ),
    (
        "Greek cases",
        |at| {
            with(at, "ΟΔΟΣ", "");
            with(at, "οδος", "")
        },
        "by case or composition alone",
    ),
    (
        "a name that is no text",
        |at| with(at, OsStr::from_bytes(b"a\xff"), ""),
        "`a\\xff` has a name that is not UTF-8",
    ),
    ("a backslash", |at| with(at, "..\\x", ""), "has a backslash"),
    (
        "a new line",
        |at| with(at, "a\nb", ""),
        "`a\\nb` has a character nobody can see",
    ),
    (
        "an escape",
        |at| with(at, "a\u{1b}[31m", ""),
        "has a character nobody can see",
    ),
    (
        "letters that turn",
        |at| with(at, "a\u{202e}sr.tset", ""),
        "`a\\u{202e}sr.tset` has a character nobody can see",
    ),
    (
        "letters of no width",
        |at| with(at, "a\u{200b}", ""),
        "has a character nobody can see",
    ),
    (
        "a mark of the byte order",
        |at| with(at, "\u{feff}a", ""),
        "has a character nobody can see",
    ),
    (
        "a device",
        |at| with(at, "con", ""),
        "the name of a device of Windows in its path: `con`",
    ),
    (
        "a device with an extension",
        |at| with(at, "src/Aux.tar.gz", ""),
        "device of Windows in its path: `aux`",
    ),
    (
        "a port",
        |at| with(at, "LPT1.txt", ""),
        "device of Windows in its path: `lpt1`",
    ),
    (
        "a port in small figures",
        |at| with(at, "com¹", ""),
        "device of Windows",
    ),
    (
        "a device and a space",
        |at| with(at, "nul .txt", ""),
        "device of Windows in its path: `nul`",
    ),
    (
        "a dot in the end",
        |at| with(at, "a.", ""),
        "ends in a dot or a space",
    ),
    (
        "a space in the end",
        |at| with(at, "a ", ""),
        "ends in a dot or a space",
    ),
    ("a stream", |at| with(at, "a:b", ""), "is a path on a drive"),
    (
        "another stream",
        |at| with(at, "file:b", ""),
        "has `:` in its path",
    ),
    (
        "a pipe outside of braces",
        |at| with(at, "{{ a }}|b", ""),
        "has `|` in its path",
    ),
    ("a question", |at| with(at, "a?", ""), "has `?` in its path"),
];

#[test]
fn directories() {
    all_refused(DIRECTORIES);
}

fn deep_directories(place: &Path) -> PathBuf {
    let template = with(place, "src/main.rs", "");
    let deep = template.join("d/".repeat(1000));
    fs::create_dir_all(deep).expect("directories");
    template
}

fn many_files(place: &Path) -> PathBuf {
    let template = with(place, "src/main.rs", "");
    for number in 0..50_001 {
        File::create(template.join(format!("{number}"))).expect("a file");
    }
    template
}

fn many_directories(place: &Path) -> PathBuf {
    let template = place.join("template");
    for number in 0..100_001 {
        fs::create_dir(template.join(format!("{number}"))).expect("a directory");
    }
    template
}

fn named_pipe(place: &Path) -> PathBuf {
    let template = with(place, "src/main.rs", "");
    Run::of(Command::new("mkfifo").arg(template.join("pipe"))).ok();
    template
}

fn socket(place: &Path) -> PathBuf {
    let template = with(place, "src/main.rs", "");
    // Its name stays when nobody listens any more.
    drop(UnixListener::bind(template.join("socket")).expect("a socket"));
    template
}

/// An entry of a tar archive: its name, its kind, where it leads.
type Tarred<'a> = (&'a [u8], u8, &'a [u8]);

/// Appends an entry, which says `body`, to a tar archive.
fn entry(out: &mut Vec<u8>, what: Tarred, body: &[u8]) {
    header(out, what, body.len() as u64);
    out.extend_from_slice(body);
    out.resize(out.len().next_multiple_of(512), 0);
}

fn header(out: &mut Vec<u8>, (name, kind, target): Tarred, size: u64) {
    let mut header = [0_u8; 512];
    header[..name.len()].copy_from_slice(name);
    header[100..107].copy_from_slice(b"0000644");
    header[124..135].copy_from_slice(format!("{size:011o}").as_bytes());
    header[148..156].copy_from_slice(b"        ");
    header[156] = kind;
    header[157..157 + target.len()].copy_from_slice(target);
    header[257..265].copy_from_slice(b"ustar\x0000");
    let sum = header.iter().map(|&byte| u32::from(byte)).sum::<u32>();
    header[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
    out.extend_from_slice(&header);
}

/// A tar archive with a file that is as it should be, and what `add` adds.
fn tar(place: &Path, add: impl FnOnce(&mut Vec<u8>)) -> PathBuf {
    let mut out = Vec::new();
    entry(&mut out, (b"README.md", b'0', b""), b"# {{ name }}\n");
    add(&mut out);
    let path = place.join("template.tar");
    fs::write(&path, out).expect("a file");
    path
}

/// A tar archive with one more entry.
fn tar_of(place: &Path, name: &[u8], kind: u8, target: &[u8]) -> PathBuf {
    tar(place, |out| entry(out, (name, kind, target), b""))
}

/// What `write` writes, packed as small as it gets.
fn gz(place: &Path, write: impl FnOnce(&mut dyn std::io::Write)) -> PathBuf {
    let path = place.join("template.tar.gz");
    let mut out = GzEncoder::new(File::create(&path).expect("a file"), Compression::best());
    write(&mut out);
    out.finish().expect("an archive");
    path
}

/// A pax record before an entry.
fn pax(place: &Path, record: &[u8]) -> PathBuf {
    tar(place, |out| {
        entry(out, (b"pax", b'x', b""), record);
        entry(out, (b"x", b'0', b""), b"");
    })
}

const TARS: &[Row] = &[
    (
        "a path to above",
        |at| tar_of(at, b"../canary", b'0', b""),
        "`../canary` has `..` in its path",
    ),
    (
        "a path to above, in the middle",
        |at| tar_of(at, b"a/../../x", b'0', b""),
        "has `..` in its path",
    ),
    (
        "a path to above, after a dot",
        |at| tar_of(at, b"./../x", b'0', b""),
        "has `..` in its path",
    ),
    (
        "a directory above",
        |at| tar_of(at, b"../", b'5', b""),
        "has `..` in its path",
    ),
    (
        "an absolute path",
        |at| tar_of(at, b"/etc/passwd", b'0', b""),
        "`/etc/passwd` is an absolute path",
    ),
    (
        "a path on a drive",
        |at| tar_of(at, b"C:/x", b'0', b""),
        "is a path on a drive",
    ),
    (
        "a path of Windows",
        |at| tar_of(at, b"a\\..\\x", b'0', b""),
        "has a backslash",
    ),
    (
        "an empty part",
        |at| tar_of(at, b"a//b", b'0', b""),
        "has an empty part",
    ),
    (
        "a dot",
        |at| tar_of(at, b"a/./b", b'0', b""),
        "has `.` in its path",
    ),
    ("no name", |at| tar_of(at, b"", b'0', b""), "has no name"),
    (
        "a name that is no text",
        |at| tar_of(at, b"a\xff", b'0', b""),
        "not UTF-8",
    ),
    (
        "a hook",
        |at| tar_of(at, b".git/hooks/post-checkout", b'0', b""),
        "git's own directory",
    ),
    (
        "a hook further down",
        |at| tar_of(at, b"x/.Git/config", b'0', b""),
        "git's own directory",
    ),
    (
        "a link to the system",
        |at| tar_of(at, b"x", b'2', b"/etc"),
        "leads out of it, to `/etc`",
    ),
    (
        "a link to above",
        |at| tar_of(at, b"x", b'2', b"../.."),
        "leads out",
    ),
    (
        "a link, then a file through it",
        link_then_file,
        "is both a file and a directory",
    ),
    (
        "a link, then a file in its place",
        link_and_file,
        "is there twice",
    ),
    (
        "a hard link out",
        |at| tar_of(at, b"x", b'1', b"/etc/passwd"),
        "`x` is a hard link",
    ),
    (
        "a hard link in",
        |at| tar_of(at, b"x", b'1', b"README.md"),
        "`x` is a hard link",
    ),
    (
        "a device",
        |at| tar_of(at, b"x", b'3', b""),
        "`x` is a device",
    ),
    (
        "a disk",
        |at| tar_of(at, b"x", b'4', b""),
        "`x` is a device",
    ),
    (
        "a named pipe",
        |at| tar_of(at, b"x", b'6', b""),
        "`x` is a named pipe",
    ),
    (
        "an unknown kind",
        |at| tar_of(at, b"x", b'Z', b""),
        "an entry of an unknown kind",
    ),
    (
        "a sparse file",
        |at| tar_of(at, b"x", b'S', b""),
        "holds a sparse file",
    ),
    (
        "a file twice",
        |at| tar_of(at, b"README.md", b'0', b""),
        "`README.md` is there twice",
    ),
    (
        "a file in two cases",
        |at| tar_of(at, b"readme.md", b'0', b""),
        "by case or composition alone",
    ),
    (
        "a file that is a directory",
        |at| tar_of(at, b"README.md/x", b'0', b""),
        "is both a file and a directory",
    ),
    (
        "a promise of 8 GB",
        |at| tar(at, |out| header(out, (b"x", b'0', b""), (8 << 30) - 1)),
        "`x` is larger than 64 MiB",
    ),
    ("a name of 100 MB", long_name, "a name in it is too long"),
    (
        "a record of 100 MB",
        long_record,
        "a name in it is too long",
    ),
    (
        "a path to above in a record",
        |at| pax(at, b"13 path=../x\n"),
        "`../x` has `..` in its path",
    ),
    (
        "a size in a record",
        |at| pax(at, b"10 size=9\n"),
        "gives a size",
    ),
    (
        "a sparse file in a record",
        |at| pax(at, b"22 GNU.sparse.major=1\n"),
        "holds a sparse file",
    ),
    (
        "a damaged record",
        |at| pax(at, b"99 path=x\n"),
        "a pax record is damaged",
    ),
    (
        "a record without a length",
        |at| pax(at, b"path=x\n"),
        "a pax record is damaged",
    ),
    ("a bomb of one kind", bomb, "holds more than 256 MiB"),
    (
        "a bomb of headers",
        bomb_of_headers,
        "holds more than 50000 files",
    ),
    (
        "a bomb that is no tar",
        bomb_of_nothing,
        "cannot read the archive",
    ),
    (
        "a bomb between two files",
        bomb_of_comments,
        "it holds more than 451 MiB",
    ),
    ("a file cut short", cut_short, "cannot read the archive"),
    (
        "not a tar",
        |at| written(at, "template.tar", &[7; 2048]),
        "cannot read the archive",
    ),
    (
        "not a gz",
        |at| written(at, "template.tgz", b"hello"),
        "cannot read the archive",
    ),
    (
        "nothing at all",
        |at| written(at, "template.tar", b""),
        "holds no files",
    ),
    (
        "10 GB of nothing",
        |at| holed(at, "template.tar"),
        "it is larger than 451 MiB",
    ),
];

#[test]
fn tar_archives() {
    all_refused(TARS);
}

fn written(place: &Path, name: &str, bytes: &[u8]) -> PathBuf {
    let path = place.join(name);
    fs::write(&path, bytes).expect("a file");
    path
}

fn holed(place: &Path, name: &str) -> PathBuf {
    let path = place.join(name);
    File::create(&path)
        .expect("a file")
        .set_len(10 << 30)
        .expect("a length");
    path
}

fn link_then_file(place: &Path) -> PathBuf {
    tar(place, |out| {
        entry(out, (b"dir", b'2', b"src"), b"");
        entry(out, (b"dir/x", b'0', b""), b"through");
    })
}

fn link_and_file(place: &Path) -> PathBuf {
    tar(place, |out| {
        entry(out, (b"x", b'2', b"src"), b"");
        entry(out, (b"x", b'0', b""), b"instead");
    })
}

fn long_name(place: &Path) -> PathBuf {
    tar(place, |out| {
        entry(out, (b"././@LongLink", b'L', b""), &vec![b'a'; 100 << 20]);
    })
}

fn long_record(place: &Path) -> PathBuf {
    tar(place, |out| {
        entry(out, (b"pax", b'x', b""), &vec![b'1'; 100 << 20]);
    })
}

fn bomb(place: &Path) -> PathBuf {
    gz(place, |out| {
        let zeros = vec![0; 60 << 20];
        for number in 0..6_u8 {
            let mut start = Vec::new();
            header(
                &mut start,
                (&[b'a' + number], b'0', b""),
                zeros.len() as u64,
            );
            out.write_all(&start).expect("a header");
            out.write_all(&zeros).expect("a file");
        }
    })
}

fn bomb_of_headers(place: &Path) -> PathBuf {
    gz(place, |out| {
        for number in 0..60_000 {
            let mut start = Vec::new();
            header(&mut start, (format!("{number}").as_bytes(), b'0', b""), 0);
            out.write_all(&start).expect("a header");
        }
    })
}

fn bomb_of_nothing(place: &Path) -> PathBuf {
    gz(place, |out| {
        let ones = vec![1; 1 << 20];
        (0..1000).for_each(|_| out.write_all(&ones).expect("bytes"));
    })
}

/// A comment of a forge may have any size, and is skipped.
fn bomb_of_comments(place: &Path) -> PathBuf {
    gz(place, |out| {
        let mut start = Vec::new();
        header(&mut start, (b"pax_global_header", b'g', b""), 1000 << 20);
        out.write_all(&start).expect("a header");
        let zeros = vec![0; 1 << 20];
        (0..1000).for_each(|_| out.write_all(&zeros).expect("bytes"));
        start.clear();
        entry(&mut start, (b"x", b'0', b""), b"");
        out.write_all(&start).expect("a file");
    })
}

fn cut_short(place: &Path) -> PathBuf {
    tar(place, |out| {
        header(out, (b"x", b'0', b""), 10_000);
        out.extend_from_slice(&[0; 100]);
    })
}

/// A zip archive on its way.
#[derive(Default)]
struct Zip {
    files: Vec<u8>,
    directory: Vec<u8>,
    count: u16,
}

/// An entry of one: its name, its mode, the flags and the size that are told of it, and its bytes.
struct Zipped<'a> {
    name: &'a [u8],
    mode: u32,
    flags: u16,
    size: u32,
    bytes: &'a [u8],
}

impl Zip {
    fn add(&mut self, entry: &Zipped) {
        let mut packed = DeflateEncoder::new(Vec::new(), Compression::best());
        packed.write_all(entry.bytes).expect("bytes");
        let packed = packed.finish().expect("bytes");
        let mut sum = flate2::Crc::new();
        sum.update(entry.bytes);
        let length = |length: usize| u32::try_from(length).expect("a length").to_le_bytes();
        let name = u16::try_from(entry.name.len())
            .expect("a name")
            .to_le_bytes();
        let at = length(self.files.len());
        let common = [
            &20_u16.to_le_bytes()[..],
            &(entry.flags | 0x800).to_le_bytes(),
            &8_u16.to_le_bytes(),
            &[0, 0, 0x21, 0],
            &sum.sum().to_le_bytes(),
            &length(packed.len()),
            &entry.size.to_le_bytes(),
            &name,
            &[0, 0],
        ]
        .concat();
        self.files.extend_from_slice(b"PK\x03\x04");
        self.files.extend_from_slice(&common);
        self.files.extend_from_slice(entry.name);
        self.files.extend_from_slice(&packed);
        self.directory.extend_from_slice(b"PK\x01\x02\x14\x03");
        self.directory.extend_from_slice(&common);
        self.directory.extend_from_slice(&[0; 6]);
        self.directory
            .extend_from_slice(&(entry.mode << 16).to_le_bytes());
        self.directory.extend_from_slice(&at);
        self.directory.extend_from_slice(entry.name);
        self.count += 1;
    }

    fn done(self) -> Vec<u8> {
        let length = |length: usize| u32::try_from(length).expect("a length").to_le_bytes();
        let count = self.count.to_le_bytes();
        [
            &*self.files,
            &self.directory,
            b"PK\x05\x06\0\0\0\0",
            &count,
            &count,
            &length(self.directory.len()),
            &length(self.files.len()),
            &[0, 0],
        ]
        .concat()
    }
}

/// A zip archive with a file that is as it should be, and what `add` adds.
fn zip(place: &Path, add: impl FnOnce(&mut Zip)) -> PathBuf {
    let mut zip = Zip::default();
    add_to(&mut zip, b"README.md", 0o100_644, b"# {{ name }}\n");
    add(&mut zip);
    written(place, "template.zip", &zip.done())
}

fn add_to(zip: &mut Zip, name: &[u8], mode: u32, bytes: &[u8]) {
    zip.add(&Zipped {
        name,
        mode,
        flags: 0,
        size: u32::try_from(bytes.len()).expect("a size"),
        bytes,
    });
}

/// A zip archive with one more entry.
fn zip_of(place: &Path, name: &[u8], mode: u32, bytes: &[u8]) -> PathBuf {
    zip(place, |zip| add_to(zip, name, mode, bytes))
}

const ZIPS: &[Row] = &[
    (
        "a path to above",
        |at| zip_of(at, b"../canary", 0o100_644, b""),
        "`../canary` has `..` in its path",
    ),
    (
        "a directory above",
        |at| zip_of(at, b"a/../../", 0, b""),
        "has `..` in its path",
    ),
    (
        "an absolute path",
        |at| zip_of(at, b"/etc/passwd", 0, b""),
        "is an absolute path",
    ),
    (
        "a path of Windows",
        |at| zip_of(at, b"..\\..\\x", 0, b""),
        "has a backslash",
    ),
    (
        "a path on a drive",
        |at| zip_of(at, b"C:x", 0, b""),
        "is a path on a drive",
    ),
    (
        "a NUL",
        |at| zip_of(at, b"a\0b", 0, b""),
        "`a\\0b` has a character nobody can see",
    ),
    (
        "a name that is no text",
        |at| zip_of(at, b"a\xff", 0, b""),
        "not UTF-8",
    ),
    (
        "a hook",
        |at| zip_of(at, b".git/hooks/x", 0o100_755, b""),
        "git's own directory",
    ),
    (
        "a link to the system",
        |at| zip_of(at, b"x", 0o120_777, b"/etc/passwd"),
        "leads out",
    ),
    (
        "a link to above",
        |at| zip_of(at, b"x", 0o120_777, b"../x"),
        "leads out",
    ),
    (
        "a link to a path of any length",
        |at| zip_of(at, b"x", 0o120_777, &vec![b'a'; 100 << 20]),
        "leads out",
    ),
    (
        "a link, then a file through it",
        zipped_link_then_file,
        "is both a file and a directory",
    ),
    (
        "a device",
        |at| zip_of(at, b"x", 0o020_644, b""),
        "`x` is a device",
    ),
    (
        "a named pipe",
        |at| zip_of(at, b"x", 0o010_644, b""),
        "`x` is a named pipe",
    ),
    (
        "a socket",
        |at| zip_of(at, b"x", 0o140_644, b""),
        "`x` is a socket",
    ),
    (
        "a file in two cases",
        |at| zip_of(at, b"readme.MD", 0, b""),
        "by case or composition alone",
    ),
    (
        "a locked file",
        |at| {
            zip(at, |zip| {
                zip.add(&Zipped {
                    name: b"x",
                    mode: 0,
                    flags: 1,
                    size: 1,
                    bytes: b"x",
                });
            })
        },
        "cannot read the archive",
    ),
    ("a bomb", zip_bomb, "holds more than 256 MiB"),
    (
        "a bomb that tells another size",
        |at| lying(at, 1),
        "`x` is larger than 64 MiB",
    ),
    (
        "a file of 4 GB, as it says",
        |at| lying(at, u32::MAX - 1),
        "`x` is larger than 64 MiB",
    ),
    ("too many files", zipped_many, "holds more than 50000 files"),
    ("a zip64 of a billion files", zip64, "it is a zip64"),
    ("a thousand ends", many_ends, "it holds too many archives"),
    (
        "a directory that is not there",
        |at| cut_zip(at, 60),
        "cannot read the archive",
    ),
    (
        "half an archive",
        |at| cut_zip(at, 10),
        "cannot read the archive",
    ),
    (
        "not a zip",
        |at| written(at, "template.zip", &[b'P'; 4096]),
        "cannot read the archive",
    ),
    (
        "10 GB of nothing",
        |at| holed(at, "template.zip"),
        "it is larger than 451 MiB",
    ),
];

#[test]
fn zip_archives() {
    all_refused(ZIPS);
}

fn zipped_link_then_file(place: &Path) -> PathBuf {
    zip(place, |zip| {
        add_to(zip, b"dir", 0o120_777, b"src");
        add_to(zip, b"dir/x", 0o100_644, b"through");
    })
}

fn zip_bomb(place: &Path) -> PathBuf {
    let zeros = vec![0; 60 << 20];
    zip(place, |zip| {
        for number in 0..6_u8 {
            add_to(zip, &[b'a' + number], 0o100_644, &zeros);
        }
    })
}

/// A file of 300 MiB of which another size is told.
fn lying(place: &Path, size: u32) -> PathBuf {
    let bytes = &vec![0; 300 << 20];
    zip(place, |zip| {
        zip.add(&Zipped {
            name: b"x",
            mode: 0,
            flags: 0,
            size,
            bytes,
        });
    })
}

fn zipped_many(place: &Path) -> PathBuf {
    zip(place, |zip| {
        (0..60_000).for_each(|number| add_to(zip, format!("{number}").as_bytes(), 0, b""));
    })
}

/// The end of a zip64, which says that a billion files come before it.
fn zip64(place: &Path) -> PathBuf {
    let count = 200_000_000_u64.to_le_bytes();
    let end = [
        &b"PK\x06\x06"[..],
        &44_u64.to_le_bytes(),
        &[45, 3, 45, 0],
        &[0; 8],
        &count,
        &count,
        &100_u64.to_le_bytes(),
        &250_000_000_u64.to_le_bytes(),
        b"PK\x06\x07\0\0\0\0",
        &250_000_100_u64.to_le_bytes(),
        &1_u32.to_le_bytes(),
        b"PK\x05\x06",
        &[0xff; 16],
        &[0, 0],
    ]
    .concat();
    let path = written(place, "template.zip", b"");
    let mut file = fs::OpenOptions::new().append(true).open(&path).expect("it");
    file.set_len(250_000_100).expect("a length");
    file.write_all(&end).expect("an end");
    path
}

fn many_ends(place: &Path) -> PathBuf {
    let end = [&b"PK\x05\x06\0\0\0\0"[..], &[0xfe; 12], &[0, 0]].concat();
    written(place, "template.zip", &end.repeat(1000))
}

fn cut_zip(place: &Path, length: usize) -> PathBuf {
    let path = zip(place, |_| {});
    let bytes = fs::read(&path).expect("the archive");
    fs::write(&path, &bytes[bytes.len() - length..]).expect("half of it");
    path
}

/// A bare repository whose commit has the tree that `make` makes of a blob, without any check.
fn repository(place: &Path, make: impl FnOnce(&Repository, Oid) -> Oid) -> PathBuf {
    let dir = place.join("repository");
    let repository = Repository::init_bare(&dir).expect("a repository");
    let blob = repository.blob(b"text\n").expect("a blob");
    let tree = make(&repository, blob);
    let who = Signature::now("A", "a@example.invalid").expect("a name");
    let (time, who) = (who.when().seconds(), format!("{who}"));
    let commit =
        format!("tree {tree}\nauthor {who} {time} +0000\ncommitter {who} {time} +0000\n\nx\n");
    let odb = repository.odb().expect("objects");
    let commit = odb
        .write(ObjectType::Commit, commit.as_bytes())
        .expect("a commit");
    repository
        .reference("refs/heads/main", commit, true, "")
        .expect("a branch");
    repository.set_head("refs/heads/main").expect("a head");
    dir
}

/// A tree object of just these entries.
fn tree(repository: &Repository, entries: &[(&str, &[u8], Oid)]) -> Oid {
    let mut bytes = Vec::new();
    for (mode, name, id) in entries {
        bytes.extend_from_slice(mode.as_bytes());
        bytes.push(b' ');
        bytes.extend_from_slice(name);
        bytes.push(0);
        bytes.extend_from_slice(id.as_bytes());
    }
    let odb = repository.odb().expect("objects");
    odb.write(ObjectType::Tree, &bytes).expect("a tree")
}

/// A repository with one entry that is as it should be and one more.
fn repository_of(place: &Path, mode: &str, name: &[u8]) -> PathBuf {
    repository(place, |repository, blob| {
        tree(
            repository,
            &[("100644", b"README.md", blob), (mode, name, blob)],
        )
    })
}

/// A repository with a file at `path`, each part of which is a tree.
fn repository_with(place: &Path, path: &[&[u8]]) -> PathBuf {
    repository(place, |repository, blob| {
        let mut parts = path.iter().rev();
        let name = parts.next().expect("a name");
        let file = tree(repository, &[("100644", name, blob)]);
        parts.fold(file, |below, name| {
            tree(repository, &[("40000", name, below)])
        })
    })
}

/// A link, to where it leads.
fn repository_link(place: &Path, target: &[u8]) -> PathBuf {
    repository(place, |repository, blob| {
        let target = repository.blob(target).expect("a blob");
        tree(
            repository,
            &[("100644", b"README.md", blob), ("120000", b"x", target)],
        )
    })
}

const REPOSITORIES: &[Row] = &[
    (
        "a path to above",
        |at| repository_with(at, &[b"..", b"canary"]),
        "`..` has `..` in its path",
    ),
    (
        "a path to above further down",
        |at| repository_with(at, &[b"a", b"..", b"..", b"x"]),
        "has `..` in its path",
    ),
    (
        "a dot",
        |at| repository_with(at, &[b".", b"x"]),
        "has `.` in its path",
    ),
    (
        "a slash in a name",
        |at| repository_of(at, "100644", b"a/../../x"),
        "has a slash in its name",
    ),
    (
        "an absolute name",
        |at| repository_of(at, "100644", b"/etc/passwd"),
        "has a slash in its name",
    ),
    (
        "a hook",
        |at| repository_with(at, &[b".git", b"hooks", b"post-checkout"]),
        "git's own directory",
    ),
    (
        ".giT",
        |at| repository_with(at, &[b"a", b".giT", b"config"]),
        "git's own directory",
    ),
    (
        "git~1",
        |at| repository_of(at, "100644", b"git~1"),
        "git's own directory",
    ),
    (
        ".git and what is not seen",
        |at| repository_of(at, "100644", ".g\u{200c}it".as_bytes()),
        "a character nobody can see",
    ),
    (
        "a backslash",
        |at| repository_of(at, "100644", b"a\\b"),
        "has a backslash",
    ),
    (
        "a name that is no text",
        |at| repository_of(at, "100644", b"\xff"),
        "not UTF-8",
    ),
    (
        "a file twice",
        |at| repository_of(at, "100755", b"README.md"),
        "is there twice",
    ),
    (
        "a file in two cases",
        |at| repository_of(at, "100644", b"readme.md"),
        "by case or composition alone",
    ),
    (
        "a file and a link",
        |at| repository_of(at, "120000", b"README.md"),
        "is there twice",
    ),
    (
        "a device of Windows",
        |at| repository_of(at, "100644", b"prn.txt"),
        "device of Windows",
    ),
    (
        "a link to the system",
        |at| repository_link(at, b"/etc/passwd"),
        "leads out",
    ),
    (
        "a link to above",
        |at| repository_link(at, b"a/../../x"),
        "leads out",
    ),
    (
        "a link to no text",
        |at| repository_link(at, b"\xff"),
        "leads out",
    ),
    (
        "a link to a path of any length",
        |at| repository_link(at, &vec![b'a'; 1 << 20]),
        "a link to a path that is too long",
    ),
    ("1,000,000 files", million, "holds more than 50000 files"),
    (
        "ten billion directories",
        billions,
        "more than 100000 files and directories",
    ),
    (
        "1,000 directories deep",
        |at| repository_with(at, &[b"d".as_slice(); 1000]),
        "more than 64 directories deep",
    ),
    (
        "a file of 65 MiB",
        |at| large_blobs(at, 1, 65 << 20),
        "`f0` is larger than 64 MiB",
    ),
    (
        "one file of 60 MiB five times",
        |at| large_blobs(at, 5, 60 << 20),
        "holds more than 256 MiB",
    ),
    (
        "nothing",
        |at| repository(at, |repository, _| tree(repository, &[])),
        "holds no files",
    ),
];

#[test]
fn repositories() {
    all_refused(REPOSITORIES);
}

/// A thousand names for a tree of a thousand names.
fn million(place: &Path) -> PathBuf {
    repository(place, |repository, blob| {
        let names = (0..1000)
            .map(|number| format!("{number:03}"))
            .collect::<Vec<_>>();
        let all = |mode, id| {
            let names = names.iter().map(|name| (mode, name.as_bytes(), id));
            tree(repository, &names.collect::<Vec<_>>())
        };
        all("40000", all("100644", blob))
    })
}

/// Ten names for ten names for ten names…, and nothing in the end.
fn billions(place: &Path) -> PathBuf {
    repository(place, |repository, _| {
        let names = (0..10)
            .map(|number| format!("{number}"))
            .collect::<Vec<_>>();
        (0..10).fold(tree(repository, &[]), |below, _| {
            let names = names.iter().map(|name| ("40000", name.as_bytes(), below));
            tree(repository, &names.collect::<Vec<_>>())
        })
    })
}

fn large_blobs(place: &Path, count: usize, bytes: usize) -> PathBuf {
    repository(place, |repository, _| {
        let blob = repository.blob(&vec![0; bytes]).expect("a blob");
        let names = (0..count)
            .map(|number| format!("f{number}"))
            .collect::<Vec<_>>();
        let names = names.iter().map(|name| ("100644", name.as_bytes(), blob));
        tree(repository, &names.collect::<Vec<_>>())
    })
}

/// Names that templates have, and that every system can have.
#[test]
fn what_is_harmless_passes() {
    for path in [
        "src/main.rs",
        "{{project-name}}.rs",
        "{{ name | snake_case }}",
        "src/{{ name | replace: \"a:b\", \"<c>?*\" }}.rs",
        "{% if a | b %}x{% endif %}.rs",
        "con{{ x }}",
        "{{ x }}con",
        "{{con}}",
        ".gitignore",
        ".gitmodules",
        ".github/workflows/ci.yml",
        "git",
        "a.git",
        ".git_",
        "console.rs",
        "com",
        "com10",
        "comma",
        "auxiliary",
        "lpt",
        "nullable.txt",
        "con-fig",
        "a b",
        "..a",
        "a..b",
        "...a",
        ".a",
        "a{{b",
        "日本語/é.txt",
        "❤️",
        "{}[]()!@#$%^&+=;',~`",
    ] {
        check_path(path).expect(path);
    }
    let names = "a/".repeat(63) + "a";
    check_path(&names).expect("64 parts");
    check_path(&"a".repeat(255)).expect("255 bytes");
    check_path(&[&*"a".repeat(255); 4].join("/")).expect("1,023 bytes");
    check_names(["a", "b/a", "b/c", "c/a/b", "c/b"]).expect("all of them");
}

#[test]
fn what_is_too_long_or_in_doubt_does_not_pass() {
    for (path, why) in [
        ("a/".repeat(64) + "a", "more than 64 directories deep"),
        ("a".repeat(256), "a name of more than 255 bytes"),
        ("é".repeat(128), "a name of more than 255 bytes"),
        (
            [&*"a".repeat(255); 5].join("/"),
            "a path of more than 1024 bytes",
        ),
        ("{{ a | b".to_owned(), "has `|` in its path"),
        ("{{ a }".to_owned() + ":", "has `:` in its path"),
        ("{{ a }}.".to_owned(), "ends in a dot"),
        ("{{ a }} ".to_owned(), "ends in a dot or a space"),
        ("{{ a\\b }}".to_owned(), "has a backslash"),
        ("{{ ../x }}".to_owned(), "ends in a dot or a space"),
        ("{{/../}}".to_owned(), "has `..` in its path"),
        ("a/".to_owned(), "has an empty part"),
        (String::new(), "has no name"),
    ] {
        let error = check_path(&path).expect_err(&path);
        assert_eq!(error.kind, Kind::Template);
        assert!(error.message.contains(why), "{path}: {error}");
    }
    let both = ["a", "a/b"];
    let error = check_names(both).expect_err("both");
    assert!(
        error.message.contains("both a file and a directory"),
        "{error}"
    );
    let error = check_names(["a/b", "a"]).expect_err("both");
    assert!(
        error.message.contains("both a file and a directory"),
        "{error}"
    );
    let error = check_names(["x/a/b", "y", "X/c"]).expect_err("two cases");
    assert!(error.message.contains("`X` differs from `x`"), "{error}");
}

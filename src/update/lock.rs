//! stub
pub fn pick(base: Option<&str>, ours: Option<&str>, theirs: Option<&str>) -> Option<String> {
    if base == ours {
        theirs.map(str::to_owned)
    } else {
        ours.map(str::to_owned)
    }
}

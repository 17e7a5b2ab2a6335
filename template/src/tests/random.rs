//! Random values, for tests of what holds whatever comes. They are the same at each run, so
//! that a failure is there again; and need no further crate.

/// A source of them.
pub struct Random(u64);

impl Random {
    pub fn new() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }

    /// A number from 0, below `limit`.
    pub fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 % limit as u64).expect("less than the limit")
    }

    /// Up to five of the pieces, one behind the other.
    pub fn text(&mut self, pieces: &[&str]) -> String {
        let count = self.below(6);
        (0..count)
            .map(|_| pieces[self.below(pieces.len())])
            .collect()
    }

    /// Up to twenty characters, half of them ASCII.
    pub fn any_text(&mut self) -> String {
        let count = self.below(21);
        (0..count).map(|_| self.character()).collect()
    }

    fn character(&mut self) -> char {
        let limit = [0x80, 0x11_0000][self.below(2)];
        let code = u32::try_from(self.below(limit)).expect("it is small");
        char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER)
    }
}

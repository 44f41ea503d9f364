//! Knowing when a JSON text that comes in pieces has come to its end.

/// Tells when a JSON object is whole, piece by piece and without keeping it.
#[derive(Debug, Default)]
pub struct Whole {
    depth: u32,
    begun: bool,
    in_text: bool,
    escaped: bool,
}

impl Whole {
    /// Takes the next piece.
    pub fn take(&mut self, piece: &str) {
        for byte in piece.bytes() {
            match byte {
                _ if self.escaped => self.escaped = false,
                b'\\' if self.in_text => self.escaped = true,
                b'"' => self.in_text = !self.in_text,
                _ if self.in_text => {}
                b'{' | b'[' => {
                    self.begun = true;
                    self.depth = self.depth.saturating_add(1);
                }
                b'}' | b']' => self.depth = self.depth.saturating_sub(1),
                _ => {}
            }
        }
    }

    /// True once the object that began has ended.
    pub fn is_whole(&self) -> bool {
        self.begun && self.depth == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_stands_outside_of_texts_counts() {
        let mut whole = Whole::default();
        for piece in ["", " {\"a", "\\\"}\": [1, ", "\"]}\"", "]"] {
            whole.take(piece);
            assert!(!whole.is_whole(), "{piece}");
        }
        whole.take("}");
        assert!(whole.is_whole());
    }
}

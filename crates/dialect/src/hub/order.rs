//! The order that vendors want a conversation in.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap};

use super::names::hash;
use super::{Kind, Part, Request, Role, Turn};

fn is_result(part: &Part<'_>) -> bool {
    matches!(part.kind, Kind::Result(_))
}

impl<'a> Request<'a> {
    /// What the system says amid the conversation comes before it.
    pub fn hoist(&mut self) {
        let turns = std::mem::take(&mut self.turns);
        for turn in turns {
            if turn.role == Role::System {
                self.system.extend(turn.parts);
            } else {
                self.turns.push(turn);
            }
        }
    }

    /// An answer that the model is to go on with does not end in blanks.
    pub fn trim_begun(&mut self) {
        let last = self.turns.last_mut();
        let begun = last.filter(|turn| turn.role == Role::Assistant);
        if let Some(Kind::Text(text)) =
            begun.and_then(|turn| turn.parts.last_mut().map(|part| &mut part.kind))
        {
            match text {
                Cow::Borrowed(text) => *text = text.trim_end(),
                Cow::Owned(text) => text.truncate(text.trim_end().len()),
            }
        }
    }

    /// The results of tools come right after their calls: what else was said between them, or before them in their turn,
    /// follows.
    pub fn settle(&mut self) {
        let moved = self.late();
        for (call, parts) in moved.into_iter().rev() {
            let after = call.saturating_add(1);
            match self.turns.get_mut(after) {
                Some(turn) if turn.role == Role::User => {
                    turn.parts.splice(0..0, parts);
                }
                _ => {
                    let role = Role::User;
                    self.turns.insert(after, Turn { role, parts });
                }
            }
        }
        for turn in &mut self.turns {
            if turn.role == Role::User {
                // stable: both keep their order
                turn.parts.sort_by_key(|part| !is_result(part));
            }
        }
    }

    /// Takes out the results between whose calls and which somebody said something else: with the turns of their calls,
    /// in order.
    fn late(&mut self) -> BTreeMap<usize, Vec<Part<'a>>> {
        let mut calls: HashMap<u64, usize> = HashMap::new();
        // the last turn before in which anything but a result was said by others than the model
        let mut said = None;
        let mut moved: BTreeMap<usize, Vec<Part<'a>>> = BTreeMap::new();
        for (index, turn) in self.turns.iter_mut().enumerate() {
            if turn.role == Role::Assistant {
                calls.extend(turn.calls().map(|call| (hash(&call.id), index)));
                continue;
            }
            let parts = std::mem::take(&mut turn.parts);
            for part in parts {
                let call = match &part.kind {
                    Kind::Result(outcome) => calls.get(&hash(&outcome.id)).copied(),
                    _ => None,
                };
                match call.filter(|call| said > Some(*call)) {
                    Some(call) => moved.entry(call).or_default().push(part),
                    None => turn.parts.push(part),
                }
            }
            if !turn.parts.iter().all(is_result) {
                said = Some(index);
            }
        }
        moved
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hub::{Call, Outcome};

    fn text(text: &'static str) -> Part<'static> {
        Kind::Text(text.into()).into()
    }

    fn call(id: &'static str) -> Part<'static> {
        let (name, arguments) = ("f".into(), "{}".into());
        let id = id.into();
        Kind::Call(Call {
            id,
            name,
            arguments,
        })
        .into()
    }

    fn result(id: &'static str) -> Part<'static> {
        let (parts, failed) = (Vec::new(), false);
        let id = id.into();
        Kind::Result(Outcome { id, parts, failed }).into()
    }

    /// The conversation in letters: the side, and then what it says.
    fn settled(turns: Vec<(Role, Vec<Part<'static>>)>) -> String {
        let turns = turns.into_iter().map(|(role, parts)| Turn { role, parts });
        let mut request = Request {
            turns: turns.collect(),
            ..Request::default()
        };
        request.settle();
        let mut out = String::new();
        for turn in &request.turns {
            out.push_str(match turn.role {
                Role::User => " u:",
                Role::Assistant => " a:",
                Role::System => " s:",
            });
            for part in &turn.parts {
                match &part.kind {
                    Kind::Text(text) => out.push_str(text),
                    Kind::Call(call) => out.push_str(&call.id),
                    Kind::Result(outcome) => out.push_str(&outcome.id.to_lowercase()),
                    _ => {}
                }
            }
        }
        out
    }

    #[test]
    fn results_follow_their_calls() {
        use Role::{Assistant, System, User};
        let steered = vec![
            (Assistant, vec![call("A")]),
            (User, vec![text("-"), result("A")]),
        ];
        assert_eq!(settled(steered), " a:A u:a-");
        let late = vec![
            (Assistant, vec![call("A")]),
            (User, vec![text("-")]),
            (Assistant, vec![call("B")]),
            (User, vec![result("A"), result("B"), text("+")]),
        ];
        assert_eq!(settled(late), " a:A u:a- a:B u:b+");
        let amid = vec![
            (Assistant, vec![call("A"), call("B")]),
            (System, vec![text("!")]),
            (User, vec![result("A"), result("B")]),
        ];
        assert_eq!(settled(amid), " a:AB u:ab s:! u:");
        // what is in its place stays, and so does what belongs to no call
        let well = vec![
            (Assistant, vec![call("A")]),
            (Assistant, vec![call("B")]),
            (User, vec![result("A")]),
            (User, vec![result("B"), text("-")]),
            (User, vec![result("C")]),
        ];
        assert_eq!(settled(well), " a:A a:B u:a u:b- u:c");
    }
}

//! Made-up answers: always the same for the same prompt, in the prompt's script, one piece a token.

const ENGLISH: &[&str] = &[
    " A small team can keep a service healthy when every alarm asks for one clear action.",
    " Measure first, change one thing, and measure again before you believe the result.",
    " The café's ledger shows why: totals that agree with their rows need no apology.",
    " Write the rule down where the next reader will look for it, and keep it short.",
    " Caches help most when the same long beginning is sent again and again.",
    " If a vendor is slow, say so early; people forgive waiting more easily than silence.",
    " A queue without a bound is a promise that nobody can keep.",
    " Good defaults save more hours than good documentation, though both are welcome ✨.",
];

const CHINESE: &[&str] = &[
    "先测量,再改动一处,然后再测量一次。",
    "每一条告警都应当对应一个明确的动作。",
    "汇总与明细一致,账目就不需要解释。",
    "把规则写在下一位读者会去看的地方,并且写得简短。",
    "相同的长前缀反复出现时,缓存最有用。",
    "供应商变慢时尽早说明,人们更容易原谅等待而不是沉默。",
    "没有上限的队列,是谁也守不住的承诺。",
    "合适的默认值比文档更省时间,两者都值得拥有 ✨。",
];

/// The pieces of an answer to `prompt`: as many as `tokens` says, else a believable number.
pub(super) fn pieces(prompt: &str, tokens: Option<usize>) -> Vec<String> {
    let seed = hash(prompt);
    let chinese = prompt
        .chars()
        .any(|c| ('\u{4e00}'..='\u{9fff}').contains(&c));
    let wanted = tokens.unwrap_or_else(|| 24 + usize::try_from(seed % 40).unwrap_or(0));
    let quoted = excerpt(prompt);
    let opening = if chinese {
        format!("关于“{quoted}”:")
    } else {
        format!("About “{quoted}”:")
    };
    let mut out = split(&opening);
    let bank = if chinese { CHINESE } else { ENGLISH };
    let mut place = usize::try_from(seed % 8).unwrap_or(0);
    while out.len() < wanted {
        out.extend(split(bank.get(place % bank.len()).copied().unwrap_or(" .")));
        place += 3;
    }
    out.truncate(wanted);
    out
}

/// Cuts a text into pieces that join to it again: words with the space before them, or two Chinese characters.
pub(super) fn split(text: &str) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for character in text.chars() {
        let wide = u32::from(character) >= 0x2e80;
        let longest = if wide { 2 } else { 12 };
        match out.last_mut() {
            Some(last) if character != ' ' && last.chars().count() < longest => {
                last.push(character);
            }
            _ => out.push(character.to_string()),
        }
    }
    out
}

/// About how many tokens a text has: one for every four bytes.
pub(super) fn count(text: &str) -> usize {
    text.len().div_ceil(4)
}

/// A number that depends on nothing but the text (FNV-1a).
pub(super) fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |sum, byte| {
        (sum ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

fn excerpt(prompt: &str) -> String {
    let line = prompt.trim().lines().next().unwrap_or_default();
    line.chars().take(48).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pieces_join_to_the_text_and_repeat() {
        for text in ["one two  three", "你好,世界 and more", ""] {
            assert_eq!(split(text).concat(), text);
        }
        assert_eq!(pieces("hello", Some(40)).len(), 40);
        assert_eq!(pieces("hello", None), pieces("hello", None));
        assert!(pieces("你好", None).concat().starts_with("关于“你好”"));
    }
}

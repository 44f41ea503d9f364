//! The trace that a call belongs to: taken over from its caller's headers, or begun here (W3C Trace Context).

use std::time::Duration;

use ring::rand::{SecureRandom as _, SystemRandom};

use crate::config::Sampler;

/// More than any chain of vendors of tracing needs; a longer state is not passed on.
const MAX_STATE: usize = 512;

/// One call's place in a trace, and when its vendor calls ran.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CallTrace {
    pub(super) trace_id: [u8; 16],
    /// The caller's span; absent where the trace begins here.
    pub(super) parent: Option<[u8; 8]>,
    span: u64,
    pub(super) sampled: bool,
    /// What the caller's `tracestate` says; empty where it says nothing.
    pub(super) state: String,
    made: u64,
    /// Of calls that are sampled.
    pub(super) tries: Vec<Try>,
}

/// When one vendor call ran, in microseconds since the start of the call.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Try {
    pub(super) span: [u8; 8],
    /// The vendor's name for the model.
    pub(super) model: String,
    pub(super) begins: u64,
    pub(super) ends: Option<u64>,
}

impl CallTrace {
    /// The header that names a trace and the span of who sends it.
    pub const PARENT: &'static str = "traceparent";
    /// The header in which vendors of tracing add to it.
    pub const STATE: &'static str = "tracestate";

    /// Goes on with the caller's trace where `parent` (its `traceparent`) is one, else begins a new one. Absent where
    /// the system has no random numbers to give.
    pub(super) fn begin(
        random: &SystemRandom,
        sampler: Sampler,
        parent: Option<&str>,
        state: &str,
    ) -> Option<Self> {
        let mut bytes = [0_u8; 24];
        random.fill(&mut bytes).ok()?;
        let (fresh, span) = bytes.split_at(16);
        let fresh: [u8; 16] = fresh.try_into().ok()?;
        let span = u64::from_be_bytes(span.try_into().ok()?) | 1;
        let caller = parent.and_then(Parent::parse);
        let trace_id = caller.as_ref().map_or(fresh, |caller| caller.trace_id);
        let said = caller.as_ref().map(|caller| caller.sampled);
        let kept = caller.is_some() && state.len() <= MAX_STATE;
        Some(Self {
            trace_id,
            parent: caller.map(|caller| caller.span),
            span,
            sampled: said
                .filter(|_| sampler.heeds_parent)
                .unwrap_or_else(|| takes(sampler.ratio, &trace_id)),
            state: if kept {
                state.to_owned()
            } else {
                String::new()
            },
            made: 0,
            tries: Vec::new(),
        })
    }

    /// A vendor call begins, so long after the start of the call.
    pub fn begins(&mut self, model: &str, at: Duration) {
        self.made = self.made.wrapping_add(1);
        if self.sampled {
            self.tries.push(Try {
                span: self.child(self.made),
                model: model.to_owned(),
                begins: micros(at),
                ends: None,
            });
        }
    }

    /// The running vendor call is over.
    pub fn ends(&mut self, at: Duration) {
        if let Some(one) = self.tries.last_mut() {
            one.ends = Some(micros(at));
        }
    }

    /// The headers of the running vendor call: its own span is the parent of what the vendor does.
    pub fn carried(&self) -> Vec<(&'static str, String)> {
        let mut headers = vec![(Self::PARENT, self.traceparent())];
        if !self.state.is_empty() {
            headers.push((Self::STATE, self.state.clone()));
        }
        headers
    }

    fn traceparent(&self) -> String {
        let hex = |bytes: &[u8]| data_encoding::HEXLOWER.encode(bytes);
        let (trace, span) = (hex(&self.trace_id), hex(&self.child(self.made)));
        format!("00-{trace}-{span}-0{}", u8::from(self.sampled))
    }

    pub(super) fn root(&self) -> [u8; 8] {
        self.span.to_be_bytes()
    }

    /// The id of a span below the root, by its number: spread by the finisher of `SplitMix64`, never all zeros.
    pub(super) fn child(&self, number: u64) -> [u8; 8] {
        let mut mixed = self
            .span
            .wrapping_add(number.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        mixed.max(1).to_be_bytes()
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// The share of traces, told by the trace's id, so that every program of a trace decides alike.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    clippy::cast_precision_loss,
    reason = "a share of 2^63, as all implementations compute it"
)]
fn takes(ratio: f64, trace_id: &[u8; 16]) -> bool {
    let low = trace_id.last_chunk::<8>().copied().unwrap_or_default();
    ratio >= 1.0 || u64::from_be_bytes(low) >> 1 < (ratio * (1_u64 << 63) as f64) as u64
}

/// A caller's `traceparent`.
struct Parent {
    trace_id: [u8; 16],
    span: [u8; 8],
    sampled: bool,
}

impl Parent {
    fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let mut parts = text.splitn(5, '-');
        let [version] = hex::<1>(parts.next()?)?;
        let trace_id = hex::<16>(parts.next()?)?;
        let span = hex::<8>(parts.next()?)?;
        let [flags] = hex::<1>(parts.next()?)?;
        // later versions may say more behind what is known
        let fits = version != 0xff && (version != 0 || parts.next().is_none());
        let named = trace_id != [0; 16] && span != [0; 8];
        (fits && named).then_some(Self {
            trace_id,
            span,
            sampled: flags & 1 == 1,
        })
    }
}

fn hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let bytes = data_encoding::HEXLOWER.decode(text.as_bytes()).ok()?;
    bytes.try_into().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const CALLER: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn begin(heeds_parent: bool, ratio: f64, parent: Option<&str>) -> CallTrace {
        let sampler = Sampler {
            heeds_parent,
            ratio,
        };
        CallTrace::begin(&SystemRandom::new(), sampler, parent, "a=1,b=2").unwrap()
    }

    #[test]
    fn the_callers_trace_goes_on_under_our_own_span() {
        let mut trace = begin(true, 0.0, Some(CALLER));
        assert!(trace.sampled, "the caller says so");
        trace.begins("m", Duration::from_micros(5));
        let first = trace.traceparent();
        assert!(
            first.starts_with("00-0af7651916cd43dd8448eb211c80319c-") && first.ends_with("-01")
        );
        assert!(!first.contains("b7ad6b7169203331"));
        assert_eq!(trace.carried()[1], ("tracestate", "a=1,b=2".to_owned()));
        trace.ends(Duration::from_micros(9));
        trace.begins("m", Duration::from_micros(10));
        assert_ne!(trace.traceparent(), first, "each vendor call is a span");
        assert_eq!(trace.tries[0].ends, Some(9));
        let unheard = begin(false, 0.0, Some(CALLER));
        assert!(!unheard.sampled && unheard.traceparent().ends_with("-00"));
        let unsampled = CALLER.replace("-01", "-00");
        assert!(!begin(true, 1.0, Some(&unsampled)).sampled);
    }

    #[test]
    fn what_is_no_traceparent_begins_a_trace() {
        let with = |from: &str, to: &str| CALLER.replacen(from, to, 1);
        for bad in [
            String::new(),
            "rubbish".to_owned(),
            with("00-", "ff-"),
            with("0af7651916cd43dd8448eb211c80319c", &"0".repeat(32)),
            with("b7ad6b7169203331", &"0".repeat(16)),
            with("0af", "0AF"),
            format!("{CALLER}-more"),
            CALLER[..50].to_owned(),
        ] {
            let trace = begin(true, 1.0, Some(&bad));
            assert!(trace.parent.is_none() && trace.sampled, "{bad}");
            assert_eq!(trace.carried().len(), 1, "{bad}");
        }
        let later = format!("{}-more", with("00-", "01-"));
        assert!(begin(true, 1.0, Some(&later)).parent.is_some());
        assert_ne!(
            begin(true, 1.0, None).trace_id,
            begin(true, 1.0, None).trace_id
        );
    }

    #[test]
    fn a_share_of_the_traces_is_taken() {
        let taken = (0..2_000).filter(|_| begin(true, 0.25, None).sampled);
        let taken = taken.count();
        assert!((350..650).contains(&taken), "{taken}");
    }
}

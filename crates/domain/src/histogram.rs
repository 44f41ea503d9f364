//! Log-scaled buckets for durations: percentiles from counts that can be added up over any range.

const SUB_BITS: u32 = 3;
const SUB: i64 = 1 << SUB_BITS;

/// The bucket of a duration: exact below 16 ms, then eight to each doubling, so at most 12.5 % wide.
pub fn bucket(ms: i64) -> i64 {
    let ms = ms.max(0);
    if ms < 2 * SUB {
        return ms;
    }
    let octave = i64::from(ms.ilog2().saturating_sub(SUB_BITS));
    let sub = ms >> octave;
    octave.saturating_mul(SUB).saturating_add(sub)
}

/// A stretch of durations whose buckets follow from a shift, for engines that compute buckets by themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Octave {
    /// It ends before this duration, and begins where the one before ends, in milliseconds.
    pub below_ms: i64,
    /// So many bits less of a duration,
    pub shift: u32,
    /// and this more, are its bucket.
    pub offset: i64,
}

/// All stretches but the last, which has no end that a number could tell; from 0 on.
pub fn octaves() -> impl Iterator<Item = Octave> {
    (0..i64::BITS - SUB_BITS - 2).map(|shift| Octave {
        below_ms: (2 * SUB) << shift,
        shift,
        offset: i64::from(shift).saturating_mul(SUB),
    })
}

/// The smallest and the largest duration in a bucket, in milliseconds.
pub fn bounds(bucket: i64) -> (i64, i64) {
    let bucket = bucket.clamp(0, self::bucket(i64::MAX));
    if bucket < 2 * SUB {
        return (bucket, bucket);
    }
    let octave = (bucket >> SUB_BITS).saturating_sub(1);
    let sub = (bucket & (SUB - 1)) | SUB;
    let low = sub << octave;
    (low, low.saturating_add((1 << octave) - 1))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn buckets_join_without_gap_or_overlap() {
        let mut next = 0;
        for number in 0..=bucket(i64::MAX) {
            let (low, high) = bounds(number);
            assert_eq!(low, next, "bucket {number}");
            assert_eq!((bucket(low), bucket(high)), (number, number));
            next = high.wrapping_add(1);
        }
        assert_eq!(next, i64::MIN);
    }

    #[test]
    fn octaves_say_the_same() {
        let all: Vec<Octave> = octaves().collect();
        assert!(all.is_sorted_by_key(|octave| octave.below_ms));
        let of = |ms: i64| {
            let octave = all.iter().find(|octave| ms < octave.below_ms).unwrap();
            octave.offset + (ms >> octave.shift)
        };
        for number in 0..bucket(1 << 61) {
            let (low, high) = bounds(number);
            assert_eq!((of(low), of(high)), (number, number));
        }
    }

    proptest! {
        #[test]
        fn a_bucket_is_at_most_an_eighth_wide(ms in 0_i64..1 << 50) {
            let (low, high) = bounds(bucket(ms));
            prop_assert!(low <= ms && ms <= high);
            prop_assert!(high - low <= low / 8);
        }
    }
}

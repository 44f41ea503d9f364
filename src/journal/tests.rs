//! What can go wrong between a record and the database: torn tails, full disks, bad records, dead processes.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, OpenOptions};
use std::path::PathBuf;
use std::time::Instant;

use modelgate_domain::{ApiKeyId, AttemptRecord, FaultOwner, RequestId, RequestRecord, Status};

use super::fake_tests::*;
use super::*;

#[tokio::test(flavor = "multi_thread")]
async fn records_reach_the_database_within_a_second_and_leave_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path(), 1 << 20, WhenFull::Stop);
    let sink = Fake::default();
    let work = Work::start(&journal, &sink);
    let (a, b) = (journal.writer(), journal.writer());
    let begun = Instant::now();
    a.started(&record(1)).unwrap();
    b.started(&record(2)).unwrap();
    a.ended(
        &ended(1),
        &[AttemptRecord::default(), AttemptRecord::default()],
    );
    b.ended(&ended(2), &[]);
    journal.drained().await;
    assert!(begun.elapsed() < Duration::from_secs(1));
    assert_eq!(journal.stats().lag_records, 0);
    assert_eq!(journal.stats().oldest_ms, None);
    let done = |s: &mut State| {
        s.rows
            .values()
            .filter(|r| r.status == Status::Success)
            .count()
    };
    assert_eq!((sink.with(done), sink.with(|s| s.attempts)), (2, 2));
    work.finish().await;
    assert_eq!(journals(dir.path()), Vec::<PathBuf>::new());
    assert!(sink.with(|s| s.positions.is_empty()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_tail_torn_at_any_byte_costs_that_record_alone() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path(), 1 << 20, WhenFull::Stop);
    let writer = journal.writer();
    writer.started(&record(1)).unwrap();
    writer.ended(&ended(1), &[]);
    let file = segment::path_of(&journals(dir.path())[0], 1);
    let whole = fs::read(&file).unwrap().len();
    writer.ended(&ended(2), &[]);
    let bytes = fs::read(&file).unwrap();
    drop((writer, journal));
    let left = journals(dir.path()).remove(0);
    for cut in whole..=bytes.len() {
        fs::write(&file, &bytes[..cut]).unwrap();
        let adopted = adopt::Adopted::take(&left).unwrap().unwrap();
        let (records, _) = adopted.waiting(&BTreeMap::new());
        assert_eq!(
            records,
            if cut == bytes.len() { 3 } else { 2 },
            "cut at {cut}"
        );
        let kept = if cut == bytes.len() { cut } else { whole };
        assert_eq!(fs::read(&file).unwrap(), bytes[..kept], "cut at {cut}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_process_left_is_drained_and_its_running_calls_are_ended() {
    let dir = tempfile::tempdir().unwrap();
    let sink = Fake::default();
    {
        let (journal, clock) = open(dir.path(), 1 << 20, WhenFull::Stop);
        let writer = journal.writer();
        for n in 1..=1_200 {
            writer.started(&record(n)).unwrap();
        }
        clock.advance_ms(700);
        for n in 1..=1_000 {
            writer.ended(&ended(n), &[]);
        }
        // Gone without a word: nothing was drained.
    }
    assert_eq!(journals(dir.path()).len(), 1);
    let (journal, _) = open(dir.path(), 1 << 20, WhenFull::Stop);
    let work = Work::start(&journal, &sink);
    eventually("the old journal is gone", || {
        journals(dir.path()).len() == 1
    })
    .await;
    sink.with(|s| {
        let count = |status| s.rows.values().filter(|r| r.status == status).count();
        assert_eq!((count(Status::Success), count(Status::Error)), (1_000, 200));
        let died = &s.rows[&1_200];
        assert_eq!(
            (died.error_code.as_str(), died.fault_owner),
            ("instance_died", FaultOwner::Gateway)
        );
        assert_eq!(died.finished_ms, START_MS + 700);
        assert!(s.batches.iter().all(|size| *size <= carrier::BATCH));
    });
    assert_eq!(journal.stats().lag_records, 0);
    work.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_dead_process_left_is_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let sink = Fake::default();
    {
        let (journal, _) = open(dir.path(), 1 << 20, WhenFull::Stop);
        journal.writer().ended(&ended(1), &[]);
    }
    let (journal, _) = open(dir.path(), 1 << 20, WhenFull::Stop);
    sink.with(|s| s.away = true);
    let work = Work::start(&journal, &sink);
    let soon = Duration::from_millis(300);
    assert!(tokio::time::timeout(soon, journal.adopted()).await.is_err());
    sink.with(|s| s.away = false);
    journal.adopted().await;
    assert_eq!(sink.ids(), [1]);
    work.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_that_died_half_way_is_taken_up_where_the_database_stands() {
    let dir = tempfile::tempdir().unwrap();
    let sink = Fake::default();
    {
        let (journal, _) = open(dir.path(), 1 << 20, WhenFull::Stop);
        let work = Work::start(&journal, &sink);
        let writer = journal.writer();
        writer.started(&record(1)).unwrap();
        writer.refused(&refused(5), "");
        writer.refused(&refused(6), "");
        journal.drained().await;
        assert_eq!(sink.with(|s| s.repeats.clone()), BTreeMap::from([(5, 1)]));
        work.task.abort();
        drop(work.task.await);
        writer.ended(&ended(2), &[]);
    }
    let (journal, _) = open(dir.path(), 1 << 20, WhenFull::Stop);
    let work = Work::start(&journal, &sink);
    eventually("the old journal is gone", || {
        journals(dir.path()).len() == 1
    })
    .await;
    assert_eq!(sink.ids(), [1, 2, 5]);
    // The started record was in the database; what died is known all the same. The repetition is not counted again.
    assert_eq!(
        sink.with(|s| s.rows[&1].error_code.clone()),
        "instance_died"
    );
    assert_eq!(sink.with(|s| s.repeats.clone()), BTreeMap::from([(5, 1)]));
    work.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_living_process_keeps_its_directory() {
    let dir = tempfile::tempdir().unwrap();
    let (first, _) = open(dir.path(), 1 << 20, WhenFull::Stop);
    let (second, _) = open(dir.path(), 1 << 20, WhenFull::Stop);
    assert_ne!(first.instance(), second.instance());
    first.writer().ended(&ended(1), &[]);
    let sink = Fake::default();
    let work = Work::start(&second, &sink);
    second.writer().ended(&ended(2), &[]);
    second.drained().await;
    assert_eq!(sink.ids(), [2]);
    work.finish().await;
    assert_eq!(journals(dir.path()).len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_database_away_calls_are_served_until_the_bound() {
    for full in [WhenFull::Stop, WhenFull::ServeWithoutRecord] {
        let dir = tempfile::tempdir().unwrap();
        let (journal, _) = open(dir.path(), 20_000, full);
        let sink = Fake::default();
        sink.with(|s| s.away = true);
        let work = Work::start(&journal, &sink);
        let writer = journal.writer();
        let mut taken = Vec::new();
        for n in 1..=100 {
            if writer.started(&record(n)).is_ok() {
                taken.push(n);
            }
        }
        let stats = journal.stats();
        assert!(
            stats.bytes >= 20_000 && stats.bytes < 22_000,
            "{}",
            stats.bytes
        );
        assert_eq!(stats.oldest_ms, Some(START_MS));
        assert_eq!(journal.accepts(), full == WhenFull::ServeWithoutRecord);
        // What was never started is not written beyond the bound, whoever is at fault.
        for n in 1_000..1_100 {
            writer.refused(&mistake(n), "");
            writer.refused(&refused(2 * n), "");
        }
        assert_eq!(journal.stats().bytes, stats.bytes);
        let recorded = i64::try_from(stats.lag_records).unwrap();
        match full {
            WhenFull::Stop => assert_eq!(taken.len(), usize::try_from(recorded).unwrap()),
            WhenFull::ServeWithoutRecord => {
                assert_eq!(taken.len(), 100);
                assert_eq!(stats.unrecorded, 100 - u64::try_from(recorded).unwrap());
            }
        }
        eventually("the error shows", || journal.stats().last_error.is_some()).await;
        // Whatever was started ends, beyond the bound too; what was not recorded ends without a record.
        for n in &taken {
            writer.ended(&ended(*n), &[]);
        }
        sink.with(|s| s.away = false);
        journal.drained().await;
        assert!(journal.accepts());
        eventually("the error is gone", || journal.stats().last_error.is_none()).await;
        let rows = sink.with(|s| s.rows.clone());
        assert_eq!(rows.len(), usize::try_from(recorded).unwrap());
        assert!(rows.values().all(|r| r.status == Status::Success));
        writer.started(&record(500)).unwrap();
        writer.ended(&ended(500), &[]);
        journal.drained().await;
        work.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn one_bad_record_is_set_aside_and_holds_up_nobody() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path(), 1 << 20, WhenFull::Stop);
    let sink = Fake::default();
    sink.with(|s| s.refuses = BTreeSet::from([13, 77]));
    let writer = journal.writer();
    for n in 1..=100 {
        writer.ended(&ended(n), &[]);
    }
    let work = Work::start(&journal, &sink);
    journal.drained().await;
    let expected: Vec<i64> = (1..=100).filter(|n| ![13, 77].contains(n)).collect();
    assert_eq!(sink.ids(), expected);
    assert_eq!(journal.stats().set_aside, 2);
    let kept = fs::read_to_string(dir.path().join("rejected.jsonl")).unwrap();
    let ids: Vec<String> = kept
        .lines()
        .map(|line| {
            serde_json::from_str::<serde_json::Value>(line).unwrap()["record"]["id"].to_string()
        })
        .collect();
    let id = |n| serde_json::to_string(&RequestId(n)).unwrap();
    assert_eq!(ids, [id(13), id(77)]);
    work.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_refuses_everything_loses_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path(), 1 << 20, WhenFull::Stop);
    let sink = Fake::default();
    sink.with(|s| s.refuses_all = true);
    let work = Work::start(&journal, &sink);
    let writer = journal.writer();
    for n in 1..=5 {
        writer.ended(&ended(n), &[]);
    }
    eventually("the error shows", || journal.stats().last_error.is_some()).await;
    assert_eq!(
        (journal.stats().set_aside, journal.stats().lag_records),
        (0, 5)
    );
    sink.with(|s| s.refuses_all = false);
    journal.drained().await;
    assert_eq!(sink.ids(), [1, 2, 3, 4, 5]);
    work.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_whose_answer_was_lost_is_not_repeated() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path(), 1 << 20, WhenFull::Stop);
    let sink = Fake::default();
    sink.with(|s| s.lose_answers = 2);
    let writer = journal.writer();
    for n in 1..=10 {
        writer.refused(&refused(n), "");
    }
    let work = Work::start(&journal, &sink);
    journal.drained().await;
    assert_eq!(sink.with(|s| s.repeats.clone()), BTreeMap::from([(1, 9)]));
    writer.ended(&ended(11), &[]);
    journal.drained().await;
    assert_eq!(sink.ids(), [1, 11]);
    work.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_flood_of_refusals_is_one_row_a_second_for_each_key_code_and_model() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, clock) = open(dir.path(), 1 << 20, WhenFull::Stop);
    let sink = Fake::default();
    let work = Work::start(&journal, &sink);
    let (a, b) = (journal.writer(), journal.writer());
    for n in 1..=50 {
        a.refused(&refused(n * 10), "");
        b.refused(&refused(n * 10 + 1), "");
        let other_key = RequestRecord {
            api_key_id: ApiKeyId(2),
            ..refused(n * 10 + 2)
        };
        b.refused(&other_key, "");
        clock.advance_ms(100);
    }
    journal.drained().await;
    let (rows, repeats) = sink.with(|s| (s.rows.len(), s.repeats.values().sum::<i64>()));
    assert_eq!(rows, 10, "two keys, five seconds");
    assert_eq!(repeats, 150 - 10);
    // what differs in where it came from and in whose rule it was is not the same
    let beside = [
        (RequestRecord::default(), "user"),
        (
            RequestRecord {
                endpoint: "messages".into(),
                ..RequestRecord::default()
            },
            "",
        ),
        (
            RequestRecord {
                client_ip: "192.0.2.1".into(),
                ..RequestRecord::default()
            },
            "",
        ),
    ];
    clock.advance_ms(2_000);
    a.refused(&refused(8_000), "");
    for (number, (other, scope)) in (8_001..).zip(beside) {
        let record = RequestRecord {
            endpoint: other.endpoint,
            client_ip: other.client_ip,
            ..refused(number)
        };
        a.refused(&record, scope);
    }
    journal.drained().await;
    assert_eq!(sink.with(|s| s.rows.len()), 14);
    // A mistake of the caller is not a refusal by a rule: each has its row.
    a.refused(&mistake(9_001), "");
    a.refused(&mistake(9_002), "");
    journal.drained().await;
    assert_eq!(sink.with(|s| s.rows.len()), 16);
    work.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn segments_rotate_and_go_once_nothing_in_them_runs_any_more() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path(), 1 << 20, WhenFull::Stop);
    let sink = Fake::default();
    let work = Work::start(&journal, &sink);
    let writer = journal.writer();
    writer.started(&record(1)).unwrap();
    for n in 2..=800 {
        writer.ended(&ended(n), &[]);
    }
    journal.drained().await;
    let files = || segment::numbers(&journals(dir.path())[0]).unwrap();
    eventually(
        "only the running call's and the last segment are left",
        || files().len() == 2,
    )
    .await;
    assert_eq!(files()[0], 1);
    writer.ended(&ended(1), &[]);
    eventually("the first segment is gone", || files().len() == 1).await;
    work.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_that_cannot_be_read_is_set_aside() {
    let dir = tempfile::tempdir().unwrap();
    let sink = Fake::default();
    let file = {
        let (journal, _) = open(dir.path(), 1 << 20, WhenFull::Stop);
        journal.writer().ended(&ended(1), &[]);
        segment::path_of(&journals(dir.path())[0], 1)
    };
    let mut odd = Vec::new();
    let place = (1, RequestId(9));
    frame::encode_with(&mut odd, frame::Kind::Ended, place, |out| out.push(0xff));
    frame::encode(&mut odd, 1, frame::News::Ended(&ended(2), &[]));
    let mut open_file = OpenOptions::new().append(true).open(&file).unwrap();
    std::io::Write::write_all(&mut open_file, &odd).unwrap();
    // A segment of another version, and one whose process died before its header.
    let parent = file.parent().unwrap().to_owned();
    fs::write(
        segment::path_of(&parent, 2),
        b"MGJL\x01\0and something else",
    )
    .unwrap();
    fs::write(segment::path_of(&parent, 3), b"MG").unwrap();
    let (journal, _) = open(dir.path(), 1 << 20, WhenFull::Stop);
    let work = Work::start(&journal, &sink);
    eventually("the old journal is gone", || {
        journals(dir.path()).len() == 1
    })
    .await;
    assert_eq!(sink.ids(), [1, 2]);
    assert_eq!(journal.stats().set_aside, 1);
    let kept = fs::read_dir(dir.path()).unwrap().filter(|e| {
        let name = e.as_ref().unwrap().file_name();
        name.to_string_lossy().starts_with("unreadable-")
    });
    assert_eq!(kept.count(), 1);
    work.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_takes_nothing_refuses_calls_and_keeps_the_ends() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, _) = open(dir.path(), 1 << 20, WhenFull::Stop);
    let sink = Fake::default();
    let work = Work::start(&journal, &sink);
    let writer = journal.writer();
    let own = journals(dir.path()).remove(0);
    let hidden = dir.path().join("hidden");
    // Without its directory the writer cannot make its first segment: as good as a full disk.
    fs::rename(&own, &hidden).unwrap();
    assert_eq!(writer.started(&record(1)), Err(JournalFull));
    assert!(!journal.accepts());
    assert!(journal.stats().last_error.is_some());
    writer.ended(&ended(2), &[]);
    fs::rename(&hidden, &own).unwrap();
    eventually("the disk is tried again", || journal.accepts()).await;
    eventually("no further call is needed", || sink.ids() == [2]).await;
    writer.started(&record(3)).unwrap();
    journal.drained().await;
    assert_eq!(sink.ids(), [2, 3]);
    writer.ended(&ended(3), &[]);
    work.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_lost_its_end_is_ended_and_what_still_runs_is_not() {
    let dir = tempfile::tempdir().unwrap();
    let (journal, clock) = open(dir.path(), 1 << 20, WhenFull::Stop);
    let sink = Fake::default();
    let work = Work::start(&journal, &sink);
    let (writer, other) = (journal.writer(), journal.writer());
    for n in 1..=3 {
        writer.started(&record(n)).unwrap();
    }
    other.started(&record(4)).unwrap();
    journal.drained().await;
    // The database takes no end of the first; the third ends while the database is away.
    sink.with(|s| s.refuses = BTreeSet::from([1]));
    writer.ended(&ended(1), &[]);
    journal.drained().await;
    assert_eq!(journal.stats().set_aside, 1);
    sink.with(|s| s.refuses.clear());
    let status = |n: i64| sink.with(|s| s.rows.get(&n).map(|r| r.status));
    let look = async |n: i64| {
        writer.ended(&ended(n), &[]);
        journal.drained().await;
        writer.ended(&ended(n + 1), &[]);
        journal.drained().await;
    };
    clock.advance_ms(9 * 60_000);
    look(100).await;
    assert_eq!(status(1), Some(Status::Pending), "not yet");
    sink.with(|s| s.away = true);
    clock.advance_ms(2 * 60_000);
    writer.ended(&ended(3), &[]);
    eventually("the error shows", || journal.stats().last_error.is_some()).await;
    sink.with(|s| s.away = false);
    eventually("the lost one is ended", || {
        status(1) == Some(Status::Timeout)
    })
    .await;
    clock.advance_ms(60 * 60_000);
    look(200).await;
    let of = [1, 2, 3, 4].map(status);
    let running = Status::Pending;
    let as_told = [Status::Timeout, running, Status::Success, running];
    assert_eq!(of, as_told.map(Some), "streams of an hour go on");
    writer.ended(&ended(2), &[]);
    other.ended(&ended(4), &[]);
    journal.drained().await;
    let of = [2, 4].map(status);
    assert_eq!(of, [Some(Status::Success), Some(Status::Success)]);
    drop((writer, other));
    work.finish().await;
    assert_eq!(journals(dir.path()), Vec::<PathBuf>::new());
}

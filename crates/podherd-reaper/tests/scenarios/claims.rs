//! A claim keeps what it may need, as long as it is open.

use std::time::{Duration, SystemTime};

use podherd_reaper::{Claim, ClaimError, Reaper};

use crate::stage::{actor, ended, parent, pid_in, play, until};

pub const OWN_PID_NAMESPACE: bool = false;

async fn orphans_end(reaper: &Reaper) {
    let before = reaper.counters().unclaimed_exits;
    ended(
        &reaper
            .spawn(actor("fork[ exit 1 ] fork[ exit 2 ] sleep 5"))
            .unwrap(),
    )
    .await;
    until("the orphans are kept", || {
        reaper.counters().unclaimed_exits == before + 2
    })
    .await;
}

pub fn nothing_is_kept_after_error_timeout_and_cancellation() {
    play(async |reaper| {
        let failing = async |claim: Claim| -> Result<(), ClaimError> {
            orphans_end(&reaper).await;
            claim.resolve(u32::MAX, SystemTime::now())?;
            Ok(())
        };
        assert_eq!(failing(reaper.claim()).await, Err(ClaimError::NotFound));
        assert_eq!(
            (reaper.counters().open_claims, reaper.counters().unclaimed_exits),
            (0, 0)
        );

        let claim = reaper.claim();
        orphans_end(&reaper).await;
        let hanging = async move {
            let _claim = claim;
            std::future::pending::<()>().await;
        };
        assert_eq!(reaper.counters().open_claims, 1);
        assert!(
            tokio::time::timeout(Duration::from_millis(1), hanging)
                .await
                .is_err()
        );
        assert_eq!(
            (reaper.counters().open_claims, reaper.counters().unclaimed_exits),
            (0, 0)
        );

        let claim = reaper.claim();
        orphans_end(&reaper).await;
        let task = tokio::task::spawn_local(async move {
            let _claim = claim;
            std::future::pending::<()>().await;
        });
        tokio::task::yield_now().await;
        assert_eq!(
            (reaper.counters().open_claims, reaper.counters().unclaimed_exits),
            (1, 2)
        );
        task.abort();
        assert!(task.await.unwrap_err().is_cancelled());
        assert_eq!(
            (reaper.counters().open_claims, reaper.counters().unclaimed_exits),
            (0, 0)
        );
    });
}

pub fn what_is_refused() {
    play(async |reaper| {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("pid");
        let claim = reaper.claim();
        let resolve = |pid| claim.resolve(pid, SystemTime::now()).map(|process| process.pid());
        assert_eq!(resolve(0), Err(ClaimError::NotFound));
        assert_eq!(resolve(u32::MAX), Err(ClaimError::NotFound));
        assert_eq!(resolve(1), Err(ClaimError::NotOurChild));

        let process = reaper
            .spawn(actor(&format!("fork[ pid {} hang ] hang", file.display())))
            .unwrap();
        let pid = process.pid();
        let grandchild = pid_in(&file).await;
        assert_eq!(parent(grandchild), Some(pid));
        assert_eq!(resolve(grandchild), Err(ClaimError::NotOurChild));
        assert_eq!(resolve(pid), Err(ClaimError::AlreadyWatched));
        drop(process);
        let process = claim.resolve(pid, SystemTime::now()).unwrap();
        process.kill_tree(crate::stage::LONG).await.unwrap();
    });
}

/// conmon 545/571: never another's status, and none that is invented.
pub fn an_end_before_the_claim_is_not_found() {
    play(async |reaper| {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("pid");
        let earlier = reaper.claim();
        ended(
            &reaper
                .spawn(actor(&format!("fork[ pid {} ] sleep 5", file.display())))
                .unwrap(),
        )
        .await;
        until("it is kept", || reaper.counters().unclaimed_exits == 1).await;
        let claim = reaper.claim();
        let pid = pid_in(&file).await;
        assert_eq!(
            claim.resolve(pid, SystemTime::now()).unwrap_err(),
            ClaimError::NotFound
        );
        assert!(earlier.resolve(pid, SystemTime::now()).is_ok());
    });
}

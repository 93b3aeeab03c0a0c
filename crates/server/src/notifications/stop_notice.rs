//! Telling clients of the requests that a stop ended: one notice of the stop becomes those of single requests (CIBA sections 10.2 and
//! 10.3), a batch for each database transaction, so that a stop itself is as short with a hundred thousand requests as with one.

use writ_store::notice::Notice;
use writ_store::pending::{AskedBefore, RequestsOfStop};
use writ_wire::time::Timestamp;

use super::outbox::{self, StopNotice};
use super::outcome::{DeliveryOutcome, NotSent};
use crate::node::app::App;

/// Requests of one database transaction.
const BATCH: u32 = 100;

pub(crate) async fn notify_client(
    app: &App,
    notice: &Notice,
    stop: StopNotice,
) -> Result<DeliveryOutcome, NotSent> {
    let mut transaction = app.begin().await?;
    let after = stop.after.as_ref();
    let requests = transaction
        .stopped_requests(
            RequestsOfStop {
                subject: &stop.subject,
                asked: match &stop.event {
                    Some(event) => AskedBefore::Stop(event),
                    None => AskedBefore::By(&stop.client),
                },
                at: Timestamp::from_micros(stop.at),
                after: after.map(|(at, id)| (Timestamp::from_micros(*at), id.as_str())),
            },
            BATCH,
        )
        .await
        .map_err(crate::node::failure::Failure::from)?;
    for request in &requests {
        outbox::request_ended(app, &mut transaction, request).await?;
    }
    let is_full = u32::try_from(requests.len()).is_ok_and(|found| found == BATCH);
    if let (true, Some(last)) = (is_full, requests.last()) {
        let rest = StopNotice {
            after: Some((last.created_at.micros(), last.id.clone())),
            ..stop
        };
        outbox::stop_notice(&app.outbox(), &mut transaction, rest).await?;
    }
    // Another node may have done the same in the meantime: then nothing is committed here.
    if transaction
        .delivered_notice(&notice.id, "announced", app.clock.now())
        .await?
    {
        transaction.commit().await?;
    }
    Ok(DeliveryOutcome::Recorded)
}

//! Token buckets, one per (account, region, operation), as AWS limits its APIs.

use std::collections::HashMap;

use crate::caller::Caller;
use crate::world::{Limit, World, aws_limits};

#[derive(Default)]
pub(crate) struct Buckets(HashMap<(String, String, String), TokenBucket>);

struct TokenBucket {
    tokens: f64,
    filled_at: f64,
}

impl Buckets {
    /// Takes a token for the call. Returns false if none is left. `now` is in seconds.
    pub fn allow(&mut self, caller: &Caller, operation: &str, world: &World, now: f64) -> bool {
        let name = format!("{}:{operation}", caller.service.name());
        let Some(limit) = limit(&name, world) else {
            return true;
        };
        let key = (caller.account.clone(), caller.region.clone(), name);
        self.0.entry(key).or_insert(TokenBucket { tokens: limit.burst, filled_at: now }).take(limit, now)
    }
}

fn limit(name: &str, world: &World) -> Option<Limit> {
    let own = world.limits.get(name).copied();
    own.or_else(|| if world.aws_limits { aws_limits().get(name).copied() } else { None })
}

impl TokenBucket {
    fn take(&mut self, limit: Limit, now: f64) -> bool {
        let refilled = self.tokens + (now - self.filled_at).max(0.0) * limit.per_second;
        self.tokens = refilled.min(limit.burst);
        self.filled_at = now;
        let allowed = self.tokens >= 1.0;
        if allowed {
            self.tokens -= 1.0;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Limit = Limit { burst: 3.0, per_second: 2.0 };

    fn taken(bucket: &mut TokenBucket, now: f64) -> usize {
        (0..10).take_while(|_| bucket.take(LIMIT, now)).count()
    }

    #[test]
    fn a_full_bucket_allows_its_burst_and_refills_by_the_second() {
        let mut bucket = TokenBucket { tokens: LIMIT.burst, filled_at: 0.0 };
        assert_eq!(taken(&mut bucket, 0.0), 3);
        assert_eq!(taken(&mut bucket, 0.4), 0);
        assert_eq!(taken(&mut bucket, 1.0), 2);
    }

    #[test]
    fn a_bucket_never_holds_more_than_its_burst() {
        let mut bucket = TokenBucket { tokens: 0.0, filled_at: 0.0 };
        assert_eq!(taken(&mut bucket, 3600.0), 3);
    }
}

/** The PostgreSQL side of the store: two tables, and one function per command. */

/**
 * Creates what `PostgresLockStore` needs in the first schema of the search path. PostgreSQL 11 or
 * later; can be run again. Put it into a migration: the store never changes your schema itself.
 *
 * Each function locks the row of its key first, and reads the clock afterwards.
 */
export const POSTGRES_LOCK_DDL = `
CREATE TABLE IF NOT EXISTS distributed_lock (
  key text PRIMARY KEY,
  owner text, -- null: free
  fence bigint NOT NULL DEFAULT 0, -- the last fencing token given out
  expires_at timestamptz NOT NULL DEFAULT '-infinity'
);

CREATE TABLE IF NOT EXISTS distributed_lock_waiter (
  key text NOT NULL,
  owner text NOT NULL,
  place bigint GENERATED ALWAYS AS IDENTITY, -- order of arrival
  kept_until timestamptz NOT NULL, -- a waiter that gives no sign of life until then is dead
  PRIMARY KEY (key, owner)
);

-- Tells the process of an owner something about it.
CREATE OR REPLACE FUNCTION distributed_lock_tell(p_what text, p_owner text) RETURNS void
LANGUAGE sql AS $$
  SELECT pg_notify(
    'distributed_lock_' || left(encode(sha256(convert_to(split_part(p_owner, ':', 1), 'UTF8')), 'hex'), 32),
    p_what || ' ' || p_owner)
$$;

-- Forgets the dead and returns the first waiter that is alive.
CREATE OR REPLACE FUNCTION distributed_lock_head(p_key text, p_now timestamptz) RETURNS distributed_lock_waiter
LANGUAGE plpgsql AS $$
DECLARE
  head distributed_lock_waiter;
BEGIN
  DELETE FROM distributed_lock_waiter WHERE key = p_key AND kept_until <= p_now;
  SELECT * INTO head FROM distributed_lock_waiter WHERE key = p_key ORDER BY place LIMIT 1;
  RETURN head;
END $$;

-- Takes a lock that is free when nobody waits in front, or finds the caller's own again.
CREATE OR REPLACE FUNCTION distributed_lock_acquire(
  p_key text, p_owner text, p_lease_ms bigint, p_fences integer,
  p_patience_ms integer, -- 0: do not queue
  p_frees text, p_siblings text[]
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  held distributed_lock;
  head distributed_lock_waiter;
  now_at timestamptz;
  lease_end timestamptz;
  kept timestamptz;
  retry_at timestamptz;
  freed boolean := false;
BEGIN
  LOOP
    SELECT * INTO held FROM distributed_lock WHERE key = p_key FOR UPDATE;
    EXIT WHEN FOUND;
    INSERT INTO distributed_lock (key) VALUES (p_key) ON CONFLICT DO NOTHING;
  END LOOP;
  now_at := clock_timestamp();
  lease_end := now_at + p_lease_ms * interval '1 millisecond';
  IF held.expires_at <= now_at THEN
    held.owner := NULL;
  END IF;
  IF held.owner = p_frees THEN
    held.owner := NULL;
    freed := true;
  END IF;

  IF held.owner = p_owner THEN
    -- Never shorten: this may be a late duplicate of a command from before a longer extension.
    UPDATE distributed_lock SET expires_at = greatest(expires_at, lease_end) WHERE key = p_key;
    RETURN jsonb_build_object('fence', held.fence - p_fences + 1, 'freed', freed);
  END IF;

  head := distributed_lock_head(p_key, now_at);
  IF held.owner IS NULL AND coalesce(head.owner = p_owner, true) THEN
    IF head.owner IS NOT NULL THEN
      DELETE FROM distributed_lock_waiter WHERE key = p_key AND owner = p_owner;
    END IF;
    -- The clock keeps tokens growing when old rows were deleted; the row, when the clock steps back.
    held.fence := greatest(held.fence + 1, (extract(epoch FROM now_at) * 1000000)::bigint);
    UPDATE distributed_lock
      SET owner = p_owner, fence = held.fence + p_fences - 1, expires_at = lease_end
      WHERE key = p_key;
    RETURN jsonb_build_object('fence', held.fence, 'freed', freed);
  END IF;

  retry_at := CASE WHEN coalesce(head.owner = p_owner, true) THEN held.expires_at ELSE head.kept_until END;
  IF p_patience_ms > 0 THEN
    kept := now_at + p_patience_ms * interval '1 millisecond';
    INSERT INTO distributed_lock_waiter (key, owner, kept_until) VALUES (p_key, p_owner, kept)
      ON CONFLICT (key, owner) DO UPDATE SET kept_until = kept;
    UPDATE distributed_lock_waiter SET kept_until = kept WHERE key = p_key AND owner = ANY (p_siblings);
  END IF;
  IF freed THEN
    UPDATE distributed_lock SET owner = NULL WHERE key = p_key;
  END IF;
  IF held.owner IS NULL THEN
    -- Also when it has been told before: reports can be lost.
    PERFORM distributed_lock_tell('turn', head.owner);
  END IF;
  RETURN jsonb_build_object(
    'retryMs', ceil(extract(epoch FROM retry_at - now_at) * 1000), 'freed', freed);
END $$;

-- Makes leases last at least as long as asked; one result for each.
CREATE OR REPLACE FUNCTION distributed_lock_renew(p_keys text[], p_owners text[], p_leases_ms bigint[])
RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  now_at timestamptz;
  held boolean;
  results jsonb := '[]';
BEGIN
  -- In one order, so that two batches cannot wait for each other.
  PERFORM 1 FROM distributed_lock WHERE key = ANY (p_keys) ORDER BY key FOR UPDATE;
  now_at := clock_timestamp();
  FOR n IN 1 .. coalesce(array_length(p_keys, 1), 0) LOOP
    UPDATE distributed_lock
      SET expires_at = greatest(expires_at, now_at + p_leases_ms[n] * interval '1 millisecond')
      WHERE key = p_keys[n] AND owner = p_owners[n] AND expires_at > now_at;
    held := FOUND;
    results := results || to_jsonb(held);
  END LOOP;
  RETURN results;
END $$;

-- Ends a claim. p_keep_ms keeps the lock taken, by nobody; p_force tells the owner.
CREATE OR REPLACE FUNCTION distributed_lock_release(
  p_key text, p_owner text, p_keep_ms bigint, p_force boolean
) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
  held distributed_lock;
  head distributed_lock_waiter;
  now_at timestamptz;
  left_queue boolean := false;
BEGIN
  SELECT * INTO held FROM distributed_lock WHERE key = p_key FOR UPDATE;
  now_at := clock_timestamp();
  IF held.expires_at <= now_at THEN
    held.owner := NULL;
  END IF;
  IF held.owner IS DISTINCT FROM p_owner THEN
    IF NOT p_force THEN
      DELETE FROM distributed_lock_waiter WHERE key = p_key AND owner = p_owner;
      left_queue := FOUND;
    END IF;
    IF held.owner IS NOT NULL OR NOT left_queue THEN
      RETURN to_jsonb(false);
    END IF;
  ELSIF p_keep_ms > 0 THEN
    -- Under another token: a renewal that is still on its way must not find it.
    UPDATE distributed_lock
      SET owner = 'kept:' || p_owner, expires_at = now_at + p_keep_ms * interval '1 millisecond'
      WHERE key = p_key;
    RETURN to_jsonb(true);
  ELSE
    UPDATE distributed_lock SET owner = NULL WHERE key = p_key;
    IF p_force THEN
      PERFORM distributed_lock_tell('revoked', p_owner);
    END IF;
  END IF;
  head := distributed_lock_head(p_key, now_at);
  IF head.owner IS NOT NULL THEN
    PERFORM distributed_lock_tell('turn', head.owner);
  END IF;
  RETURN to_jsonb(NOT left_queue);
END $$;
`;

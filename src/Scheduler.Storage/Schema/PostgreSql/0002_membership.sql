-- Tables and queries of Orleans' ADO.NET clustering. The version row of a cluster works as an optimistic lock: a change
-- of the membership must name the latest version, and increments it in the same statement.

CREATE TABLE membership_version (
  cluster text COLLATE "C" PRIMARY KEY,
  changed_at timestamptz NOT NULL DEFAULT now(),
  version integer NOT NULL DEFAULT 0
);

CREATE TABLE membership (
  cluster text COLLATE "C" NOT NULL,
  address text COLLATE "C" NOT NULL,
  port integer NOT NULL,
  generation integer NOT NULL,
  silo_name text NOT NULL,
  host_name text NOT NULL,
  status integer NOT NULL,
  proxy_port integer,
  suspect_times text,
  start_time timestamptz NOT NULL,
  i_am_alive_time timestamptz NOT NULL,
  PRIMARY KEY (cluster, address, port, generation)
);

INSERT INTO OrleansQuery VALUES ('InsertMembershipVersionKey', '
WITH added AS (
  INSERT INTO membership_version (cluster) VALUES (@DeploymentId) ON CONFLICT DO NOTHING RETURNING 1
)
SELECT EXISTS (SELECT 1 FROM added) AS Inserted');

INSERT INTO OrleansQuery VALUES ('InsertMembershipKey', '
WITH bumped AS (
  UPDATE membership_version SET version = version + 1, changed_at = now()
  WHERE cluster = @DeploymentId AND version = @Version AND NOT EXISTS (
    SELECT 1 FROM membership
    WHERE cluster = @DeploymentId AND address = @Address AND port = @Port AND generation = @Generation)
  RETURNING cluster
), added AS (
  INSERT INTO membership (cluster, address, port, generation, silo_name, host_name, status, proxy_port, start_time, i_am_alive_time)
  SELECT cluster, @Address, @Port, @Generation, @SiloName, @HostName, @Status, @ProxyPort, @StartTime, @IAmAliveTime FROM bumped
  RETURNING 1
)
SELECT EXISTS (SELECT 1 FROM added) AS Inserted');

INSERT INTO OrleansQuery VALUES ('UpdateMembershipKey', '
WITH bumped AS (
  UPDATE membership_version SET version = version + 1, changed_at = now()
  WHERE cluster = @DeploymentId AND version = @Version
  RETURNING cluster
), changed AS (
  UPDATE membership AS m SET status = @Status, suspect_times = @SuspectTimes, i_am_alive_time = @IAmAliveTime
  FROM bumped
  WHERE m.cluster = bumped.cluster AND m.address = @Address AND m.port = @Port AND m.generation = @Generation
  RETURNING 1
)
SELECT EXISTS (SELECT 1 FROM changed) AS Updated');

INSERT INTO OrleansQuery VALUES ('UpdateIAmAlivetimeKey', '
UPDATE membership SET i_am_alive_time = @IAmAliveTime
WHERE cluster = @DeploymentId AND address = @Address AND port = @Port AND generation = @Generation');

INSERT INTO OrleansQuery VALUES ('MembershipReadRowKey', '
SELECT v.cluster AS DeploymentId, m.address AS Address, m.port AS Port, m.generation AS Generation, m.silo_name AS SiloName,
  m.host_name AS HostName, m.status AS Status, m.proxy_port AS ProxyPort, m.suspect_times AS SuspectTimes,
  m.start_time AS StartTime, m.i_am_alive_time AS IAmAliveTime, v.version AS Version
FROM membership_version AS v
LEFT JOIN membership AS m ON m.cluster = v.cluster AND m.address = @Address AND m.port = @Port AND m.generation = @Generation
WHERE v.cluster = @DeploymentId');

INSERT INTO OrleansQuery VALUES ('MembershipReadAllKey', '
SELECT v.cluster AS DeploymentId, m.address AS Address, m.port AS Port, m.generation AS Generation, m.silo_name AS SiloName,
  m.host_name AS HostName, m.status AS Status, m.proxy_port AS ProxyPort, m.suspect_times AS SuspectTimes,
  m.start_time AS StartTime, m.i_am_alive_time AS IAmAliveTime, v.version AS Version
FROM membership_version AS v LEFT JOIN membership AS m ON m.cluster = v.cluster
WHERE v.cluster = @DeploymentId');

INSERT INTO OrleansQuery VALUES ('DeleteMembershipTableEntriesKey', '
WITH gone AS (DELETE FROM membership WHERE cluster = @DeploymentId)
DELETE FROM membership_version WHERE cluster = @DeploymentId');

INSERT INTO OrleansQuery VALUES ('GatewaysQueryKey', '
SELECT address AS Address, proxy_port AS ProxyPort, generation AS Generation FROM membership
WHERE cluster = @DeploymentId AND status = @Status AND proxy_port > 0');

-- 6 is SiloStatus.Dead. A silo that is only slow to join is not removed.
INSERT INTO OrleansQuery VALUES ('CleanupDefunctSiloEntriesKey', '
DELETE FROM membership WHERE cluster = @DeploymentId AND status = 6 AND i_am_alive_time < @IAmAliveTime');

INSERT INTO OrleansQuery VALUES ('CleanupDefunctSiloEntryKey', '
DELETE FROM membership
WHERE cluster = @DeploymentId AND address = @Address AND port = @Port AND generation = @Generation AND status = 6
  AND start_time = @StartTime AND i_am_alive_time = @IAmAliveTime AND suspect_times IS NOT DISTINCT FROM @SuspectTimes');

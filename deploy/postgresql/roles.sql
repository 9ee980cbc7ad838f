-- Two roles, so that a silo can do no more than its work: scheduler_owner changes the schema (`scheduler migrate`), scheduler_app is what
-- silos log in as (Storage:PostgreSql:Migrate=false). Run it as a superuser in the scheduler's database, before the first `scheduler
-- migrate` and as often as you like; then give both a password or a certificate: ALTER ROLE … PASSWORD …

DO $$ BEGIN
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'scheduler_owner') THEN
    CREATE ROLE scheduler_owner LOGIN;
  END IF;
  IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'scheduler_app') THEN
    CREATE ROLE scheduler_app LOGIN;
  END IF;
END $$;

REVOKE ALL ON SCHEMA public FROM PUBLIC;
GRANT USAGE, CREATE ON SCHEMA public TO scheduler_owner;
GRANT USAGE ON SCHEMA public TO scheduler_app;

-- Whatever the owner makes from now on: read and written row by row; never emptied, never altered.
ALTER DEFAULT PRIVILEGES FOR ROLE scheduler_owner IN SCHEMA public
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO scheduler_app;
ALTER DEFAULT PRIVILEGES FOR ROLE scheduler_owner IN SCHEMA public GRANT EXECUTE ON FUNCTIONS TO scheduler_app;

-- The same for what there is already, and less where less will do: history is only added to, the schema's own notes are only read.
DO $$ BEGIN
  IF to_regclass('public.schema_version') IS NOT NULL THEN
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO scheduler_app;
    REVOKE UPDATE, DELETE ON events, ledger FROM scheduler_app;
    REVOKE INSERT, UPDATE, DELETE ON schema_version, orleansquery FROM scheduler_app;
  END IF;
END $$;

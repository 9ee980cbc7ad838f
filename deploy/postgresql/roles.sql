-- Two roles, so that a silo has only the rights it needs: scheduler_owner changes the schema (`scheduler migrate`), and silos log in as
-- scheduler_app (Storage:PostgreSql:Migrate=false). Run this as a superuser in the scheduler's database before the first `scheduler
-- migrate`; running it again is harmless. Then give both roles a password or a certificate: ALTER ROLE … PASSWORD …

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

-- For tables that the owner creates later: read and write rows; no TRUNCATE, no ALTER.
ALTER DEFAULT PRIVILEGES FOR ROLE scheduler_owner IN SCHEMA public
  GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO scheduler_app;
ALTER DEFAULT PRIVILEGES FOR ROLE scheduler_owner IN SCHEMA public GRANT EXECUTE ON FUNCTIONS TO scheduler_app;

-- The same for existing tables, with fewer rights where possible: history is append-only, the schema's own tables are read-only.
DO $$ BEGIN
  IF to_regclass('public.schema_version') IS NOT NULL THEN
    GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO scheduler_app;
    REVOKE UPDATE, DELETE ON events, ledger FROM scheduler_app;
    REVOKE INSERT, UPDATE, DELETE ON schema_version, orleansquery FROM scheduler_app;
  END IF;
END $$;

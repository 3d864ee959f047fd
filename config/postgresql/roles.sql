-- Makes the two PostgreSQL roles of txindexd, and the schema that one of them owns. As a superuser,
-- in the database that txindexd is to use; it can be run again at any time.
--
--   sudo -u postgres psql -v owner=txindexd_owner -v ingest=txindexd -f roles.sql txindexd
--
--   owner    makes and upgrades the schema: migrate.database
--   ingest   adds rows, and can change, remove and read nothing that it need not: database
--
-- Both are made without a password. The owner cannot log in: run `txindexd migrate` as somebody who
-- may take on the role (as a superuser may), with options=-crole=txindexd_owner in migrate.database.
-- For a service that upgrades its schema by itself: ALTER ROLE txindexd_owner LOGIN PASSWORD '…'.
--
-- What ingest may do in the schema, `txindexd migrate` grants it (txindex.grant_ingest).
--
-- In a database in use, the first time, tables change their owner: writers and readers wait until it
-- is done. It waits for them no longer than lock_timeout for each table (-v lock_timeout=10s), and
-- then fails, having changed nothing.
\set ON_ERROR_STOP on
SET client_min_messages = warning;
\if :{?owner}
\else
  \set owner txindexd_owner
\endif
\if :{?ingest}
\else
  \set ingest txindexd
\endif

\if :{?lock_timeout}
\else
  \set lock_timeout 10s
\endif

BEGIN;
SET LOCAL lock_timeout = :'lock_timeout';
-- Nobody makes or drops a partition meanwhile: it would be missed below. Then the tables of which
-- the owner changes, in the order in which the writers' statements lock them.
SELECT pg_advisory_xact_lock(hashtextextended('txindex.partitions', 0)) AS locked \gset
SELECT format('LOCK TABLE ONLY txindex.%I IN ACCESS EXCLUSIVE MODE', parent)
  FROM unnest(ARRAY['boundary_transactions', 'transactions', 'transaction_accounts',
                    'transaction_lookups', 'instructions']) WITH ORDINALITY AS p(parent, place)
  WHERE EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                  WHERE n.nspname = 'txindex' AND c.relname = parent
                    AND pg_get_userbyid(c.relowner) <> :'owner')
  ORDER BY place \gexec
SELECT format('CREATE ROLE %I NOLOGIN', :'owner')
  WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'owner') \gexec
SELECT format('CREATE ROLE %I LOGIN', :'ingest')
  WHERE NOT EXISTS (SELECT FROM pg_roles WHERE rolname = :'ingest') \gexec
ALTER ROLE :"ingest" LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS;

SELECT current_database() AS database \gset
GRANT CONNECT ON DATABASE :"database" TO :"owner", :"ingest";
-- The first migration says CREATE SCHEMA IF NOT EXISTS, for which PostgreSQL asks for this.
GRANT CREATE ON DATABASE :"database" TO :"owner";
-- Ingest makes no tables, temporary ones included. Every role may make those until PUBLIC may not;
-- give TEMPORARY back to the analysts who need it.
REVOKE CREATE, TEMPORARY ON DATABASE :"database" FROM PUBLIC, :"ingest";
REVOKE CREATE ON SCHEMA public FROM PUBLIC, :"ingest";
CREATE SCHEMA IF NOT EXISTS txindex AUTHORIZATION :"owner";

-- What ingest or anybody else has made so far becomes the owner's.
SELECT format('ALTER DATABASE %I OWNER TO %I', datname, :'owner')
  FROM pg_database
  WHERE datname = current_database()
    AND datdba = (SELECT oid FROM pg_roles WHERE rolname = :'ingest') \gexec
SELECT format('ALTER SCHEMA txindex OWNER TO %I', :'owner')
  FROM pg_namespace WHERE nspname = 'txindex' AND nspowner <> (SELECT oid FROM pg_roles WHERE rolname = :'owner') \gexec
SELECT format('ALTER %s txindex.%I OWNER TO %I',
              CASE relkind WHEN 'S' THEN 'SEQUENCE' WHEN 'v' THEN 'VIEW' ELSE 'TABLE' END,
              relname, :'owner')
  FROM pg_class
  WHERE relnamespace = 'txindex'::regnamespace AND relkind IN ('r', 'p', 'S', 'v')
    AND relowner <> (SELECT oid FROM pg_roles WHERE rolname = :'owner') \gexec
SELECT format('ALTER FUNCTION %s OWNER TO %I', oid::regprocedure, :'owner')
  FROM pg_proc WHERE pronamespace = 'txindex'::regnamespace AND proowner <> (SELECT oid FROM pg_roles WHERE rolname = :'owner') \gexec

-- Being a member of the owner would make ingest as strong as the owner.
SELECT pg_has_role(:'ingest', :'owner', 'MEMBER') AS too_strong \gset
COMMIT;
\if :too_strong
  \warn WARNING: :ingest is a member of :owner, and may do everything that it may
\endif

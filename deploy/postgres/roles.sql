-- Who may do what. The postgres image runs this once, in a new server; elsewhere: psql --file deploy/postgres/roles.sql
--
--   busyness          ingest, detect, aggregate: owns the database, and makes its tables
--   busyness_reader   may read what busyness makes, and nothing else
--   busyness_api      serve: one of these readers

\getenv worker BUSYNESS_WORKER_PASSWORD
\getenv api BUSYNESS_API_PASSWORD

CREATE ROLE busyness LOGIN PASSWORD :'worker';
CREATE ROLE busyness_reader NOLOGIN;
CREATE ROLE busyness_api LOGIN PASSWORD :'api' IN ROLE busyness_reader;

CREATE DATABASE busyness OWNER busyness ENCODING 'UTF8' TEMPLATE template0;
REVOKE ALL ON DATABASE busyness FROM PUBLIC;
GRANT CONNECT ON DATABASE busyness TO busyness_reader;

CREATE TABLE teams (
    id bigint PRIMARY KEY CHECK (id > 0),
    name text NOT NULL
);

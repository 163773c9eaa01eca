-- History: reports, the logs behind them, and what is counted of both. Times are milliseconds since 1970, UTC.
-- The same tables as in ../sqlite; only the types and the full-text index differ.

create table report (
    number bigint generated always as identity primary key,
    id text not null unique,                 -- public, not to be guessed
    made_at bigint not null,
    seen_at bigint not null,                 -- when the same log came last
    occurrences bigint not null default 1,
    project text not null,                   -- '' where not told
    job text not null,
    log_hash text not null,                  -- SHA-256 of the redacted log
    name text not null,
    build_url text not null,
    revision text not null,
    branch text not null,
    metadata text not null,                  -- JSON object
    verdict text not null,
    outcome text not null,
    tool text not null,                      -- the outermost one
    rule text not null,                      -- of the first diagnosis; '' where nothing is known
    subject text not null,
    title text not null,
    fingerprint text not null,               -- of the first diagnosis
    hidden bigint not null,                  -- secrets that were redacted
    bytes bigint not null,                   -- of the log
    lines bigint not null,
    stored bigint not null,                  -- bytes that report and log take here
    report bytea not null                     -- JSON, zstd
);
-- The same log of the same job is one report.
create unique index report_same on report (project, job, log_hash);
create index report_newest on report (made_at desc, number desc);
create index report_of_job on report (project, job, made_at desc, number desc);
create index report_of_rule on report (rule, made_at desc, number desc);
create index report_of_subject on report (subject, made_at desc, number desc);
create index report_of_verdict on report (verdict, made_at desc, number desc);
create index report_of_tool on report (tool, made_at desc, number desc);
create index report_of_fingerprint on report (fingerprint, made_at desc, number desc);

-- Each time that a log came.
create table occurrence (
    report bigint not null references report (number) on delete cascade,
    seen_at bigint not null,
    build_url text not null,
    revision text not null,
    branch text not null
);
create index occurrence_of_report on occurrence (report, seen_at desc);

-- What a client calls its request, so that a retry is no second occurrence.
create table request_key (
    key text primary key,
    report bigint not null references report (number) on delete cascade,
    made_at bigint not null
);
create index request_key_age on request_key (made_at);

-- Every root cause of every report.
create table cause (
    report bigint not null references report (number) on delete cascade,
    position bigint not null,
    fingerprint text not null,               -- rule and subject
    rule text not null,
    subject text not null,
    made_at bigint not null,
    primary key (report, position)
);
create index cause_of_fingerprint on cause (fingerprint, made_at desc);
create index cause_of_rule on cause (rule, made_at desc);
create index cause_of_subject on cause (subject, made_at desc);

-- The redacted log: pieces of whole lines, each a zstd frame, so that a page of lines needs few of them.
create table log (
    report bigint primary key references report (number) on delete cascade,
    pieces text not null,                    -- JSON: where each piece begins, in lines and bytes
    place text not null                      -- '' where the pieces are in log_piece, else the name of an object
);
create table log_piece (
    report bigint not null references report (number) on delete cascade,
    piece bigint not null,
    data bytea not null,
    primary key (report, piece)
);

-- Words of titles and evidence.
create table report_words (
    report bigint primary key references report (number) on delete cascade,
    words tsvector not null
);
create index report_words_index on report_words using gin (words);

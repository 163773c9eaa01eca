-- What is counted of the history, so that no page reads all reports; who may use the service; what people say of reports.

-- One row a day and project; day = days since 1970, UTC. A report counts on the day when it came first.
create table day_count (
    day bigint not null,
    project text not null,
    reports bigint not null,
    occurrences bigint not null,             -- on the day when they came
    unknown bigint not null,
    green bigint not null,
    retry bigint not null,
    fix bigint not null,
    stored bigint not null,                  -- bytes that the reports and their logs take
    primary key (day, project)
) without rowid;

-- How many reports of a day name a cause (its fingerprint), rule, repository, derivation or host.
create table day_top (
    kind text not null,
    day bigint not null,
    project text not null,
    key text not null,
    count bigint not null,
    primary key (kind, day, project, key)
) without rowid;
create index day_top_of_key on day_top (kind, key, day);
create index day_top_empty on day_top (count) where count <= 0;

-- Of all days.
create table cause_total (
    fingerprint text primary key,
    rule text not null,
    subject text not null,
    title text not null,                     -- as it was told last
    count bigint not null
) without rowid;
create index cause_total_empty on cause_total (count) where count <= 0;
create table rule_total (
    rule text primary key,
    count bigint not null
) without rowid;

-- What longest nobody sent goes first.
create index report_of_age on report (seen_at, number);

create table feedback (
    number integer primary key autoincrement,
    report bigint not null references report (number) on delete cascade,
    kind text not null,                      -- helpful, wrong
    note text not null,
    rule text not null,                      -- the right one, '' where not told
    made_at bigint not null
);
create index feedback_of_report on feedback (report, number);

create table token (
    name text primary key,
    scopes text not null,                    -- separated by spaces
    hash text not null unique,               -- SHA-256, hexadecimal
    made_at bigint not null
);

-- Objects that no report owns: being written, or to be deleted.
create table loose_object (
    place text primary key,
    made_at bigint not null
);

-- Work that one replica at a time does.
create table lease (
    name text primary key,
    holder text not null,
    until bigint not null
);

-- Work that a new version does once, when it opens the database.
create table chore (name text primary key);
insert into chore (name) select 'recount' where exists (select 1 from report);

-- Found by request; the others are found by report.
create index request_key_of_report on request_key (report);
create index report_of_job_alone on report (job, made_at desc, number desc);
create index cause_recent on cause (fingerprint, made_at desc, report desc);
drop index cause_of_fingerprint;
create index report_of_project on report (project, made_at desc, number desc);

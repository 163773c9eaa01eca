-- Doors: what chats were told, and which requests were seen. Times are milliseconds since 1970, UTC. The same tables as in ../postgres.

-- Signatures, events and votes that must count once.
create table door_seen (
    key text primary key,
    made_at bigint not null
);
create index door_seen_age on door_seen (made_at);

-- How far a watcher has read the history.
create table door_position (
    name text primary key,
    seen_at bigint not null
);
create index report_seen on report (seen_at);
-- The state of a project.
create index report_state on report (project, seen_at);

-- One thread of a channel for each cause of a job.
create table slack_thread (
    channel text not null,
    project text not null,
    job text not null,
    fingerprint text not null,               -- '' where the cause is not known
    ts text not null,                        -- Slack's name of the thread; '' before the first message
    seen_at bigint not null,                 -- of the report that counted last
    is_open bigint not null,                 -- 1 while the job is red
    pending text not null,                   -- 'red', 'again', 'green', or '' where all is told
    report text not null,                    -- id of the report to tell
    tries bigint not null,
    next_at bigint not null,                 -- when to try, or until when somebody tries
    primary key (channel, project, job, fingerprint)
);
create index slack_thread_pending on slack_thread (next_at) where pending <> '';

{{ config(meta={'dagster': {'group': 'leads'}}, post_hook='analyze {{ this }}', indexes=[{'columns': ['frn'], 'unique': true}]) }}
-- Whom to write to: one row per carrier with a usable address. CORES first, then the agents in the Form 499 database;
-- the public RMD export has no e-mail addresses.
with agents as (
    select distinct on (frn) frn,
           coalesce({{ mailable('dc_agent_email') }}, {{ mailable('alternate_agent_email') }}) as email,
           {{ mailable('dc_agent_email') }} is not null as is_dc_agent,
           {{ said('dc_agent') }} as contact_name, snapshot_id, legal_name
    from {{ ref('stg_fcc_form499__filers') }}
    where frn is not null and is_active
      and ({{ mailable('dc_agent_email') }} is not null or {{ mailable('alternate_agent_email') }} is not null)
    order by frn, registration_current_as_of desc nulls last, filer_id desc
),
shared as (
    select email, count(*) as carriers from agents group by email
),
candidates as (
    select frn, 1 as choice, email, {{ said('contact_name') }} as contact_name, 'cores' as contact_source,
           'Contact e-mail in CORES, as of ' || as_of as contact_reason, snapshot_id
    from {{ ref('int_cores') }}
    where is_found and email is not null
    union all
    select a.frn, 2, a.email, case when a.is_dc_agent then a.contact_name end, 'form499',
           case when a.is_dc_agent then 'E-mail of the agent for service of process in the Form 499 database'
                else 'E-mail of the alternate agent in the Form 499 database' end
           || case when s.carriers > 1 then ', who acts for ' || s.carriers || ' carriers' else '' end
           || '; CORES shows none or was not read',
           a.snapshot_id
    from agents a
    join shared s using (email)
)
select distinct on (frn) frn, email, contact_name, contact_source, contact_reason, snapshot_id
from candidates
order by frn, choice

{#- The rules that have a model, by the phase in which they can be judged. CORES pages are read after the first. -#}
{% macro rules_before_cores() -%}
    {{ return(['RMD_MISSING', 'RMD_REMOVED', 'RMD_NOT_RECERTIFIED', 'RMD_RECERT_LATE', 'RMD_NEVER_UPDATED',
               'RMD_DUPLICATE', 'RMD_NAME_BLANK', 'RMD_CONTACT_INCOMPLETE', 'RMD_ROLE_NONE', 'RMD_IMPL_NONE',
               'RMD_IMPL_PARTIAL', 'RMD_IMPL_BLANK', 'RMD_OCN_MISSING', 'RMD_PLAN_MISSING', 'SS_3P_AUTH',
               'CPNI_MISSING', 'CPNI_LATE', 'F499_MISSING', 'F499A_STALE', 'F499A_VERY_STALE',
               'F499_ENDED_BUT_ACTIVE', 'F499_NO_FRN_LINK', 'F499Q_CHECK', 'DC_AGENT_MISSING', 'BDC_MISSING',
               'BDC_DROPPED', 'CALEA_SSI', 'SEC214_INTL', 'OCN_MISSING']) }}
{%- endmacro %}

{% macro rules_on_cores() -%}
    {{ return(['RMD_CORES_MISMATCH', 'CORES_UNKNOWN', 'CORES_STALE']) }}
{%- endmacro %}

{#- All rows of the named rules' models in one relation: code, frn, verdict, why, due_on_et, evidence, snapshot_ids. -#}
{% macro verdicts_of(codes) -%}
    {%- for code in codes %}
    select '{{ code }}'::text as code, frn, verdict, why, due_on_et, evidence, snapshot_ids
    from {{ ref('rule_' ~ code | lower) }}
    {{ 'union all' if not loop.last }}
    {%- endfor %}
{%- endmacro %}

{#- Form 499 types of telecommunications carriers and interconnected VoIP providers. Private carriers, audio
    bridging, data, satellite and unknown types are left out: their duty is not plain. -#}
{% macro voice_types() -%}
    array['VOIP', 'CAP', 'LEC', 'CEL', 'IXC', 'TRES', 'LRES', 'COAX', 'ALLD']
{%- endmacro %}

{#- As voice_types, with prepaid cards, operator service and paging, which the CPNI rules name as well. -#}
{% macro cpni_types() -%}
    array['VOIP', 'CAP', 'LEC', 'CEL', 'IXC', 'TRES', 'LRES', 'COAX', 'ALLD', 'PRE', 'OSP', 'PAG']
{%- endmacro %}

{#- Types that carry toll or international calls. -#}
{% macro toll_types() -%}
    array['IXC', 'TRES', 'PRE', 'ALLD', 'OSP', 'VOIP']
{%- endmacro %}

"""The closed lists of the contract page: fields, report files and their columns, keys of answers, codes."""

from __future__ import annotations

words = str.split

KEY = ("data_area_id", "customer_account")

FIELDS = words("""
    data_area_id customer_account organization_name name_alias customer_group_id sales_currency_code credit_limit
    credit_limit_is_mandatory credit_rating payment_terms payment_terms_base_days payment_method payment_specification
    payment_cash_discount payment_bank_account sales_tax_group tax_exempt_number invoice_account on_hold_status
    is_excluded_from_interest_charge_calculation is_excluded_from_collection_fee_calculation delivery_terms
    delivery_mode language_id address_street address_city address_state address_zip_code
    address_country_region_id primary_contact_email primary_contact_phone primary_contact_url
    employee_responsible_number site_id warehouse_id line_of_business_id known_as organization_number sales_memo
    customer_since
""")
BOOLEANS = [name for name in FIELDS if name.startswith("is_excluded") or name == "credit_limit_is_mandatory"]

OUTCOMES = words("rejected partly_rejected created partly_proposed proposed updated unchanged not_processed")
EFFECTS = words("opened superseded kept withdrawn")

REPORTS = words("summary.json results.csv changes.csv rejections.csv errors.csv rejections.xlsx report.html")
COLUMNS = {
    "results.csv": words("""
        row data_area_id customer_account outcome applied fields_updated fields_proposed fields_declined
        fields_rejected proposal_id proposal_effects codes origin_run origin_row
    """),
    "changes.csv": words("row data_area_id customer_account field old new disposition proposal_id rule"),
    "errors.csv": words("row column field value code message repeated"),
}
REJECTION_COLUMNS = words("_row _codes _reasons _run")

SUMMARY = words("""
    run_id sequence entity source status exit_code command version user login host requested_by applied_by overrides
    four_eyes target file behavior settings_sha256 counts rejected_by_code rejected_new rejected_repeated proposals
    blanks_kept control_totals ignored_columns limits started_at finished_at reports
""")
SUMMARY_PARTS = {
    "target": words("dialect database table records_before records_after"),
    "file": words("name sha256 bytes format encoding delimiter sheet"),
    "counts": ["read", *OUTCOMES],
    "proposals": words("opened kept superseded withdrawn declined competing approved_automatically"),
}

PROPOSAL = words("""
    id version kind entity key name status source run_id row submitted_by workflow first_proposed_at due_at changes
""")
CHANGE = words("field original proposed current status step decided_by decided_at comment rule")

NOTICES = {"identical_duplicate", "duplicate_left_out"}
CODES = words("""
    missing_key duplicate_key similar_key missing_required invalid_number invalid_date invalid_boolean not_in_list
    unmapped_value pattern_mismatch out_of_range too_long too_short check_failed row_too_short row_too_long bad_quoting
    repeated_header undecodable_text control_character error_cell imprecise_number approval_required
    new_record_not_allowed competing_change target_changed constraint_violation identical_duplicate
""")

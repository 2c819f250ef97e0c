"""Who is asked, where the work goes next, and what is overdue."""

from __future__ import annotations

from .office import ADMIN, Office, step

NOBODY = "Nobody to ask"


def waiting(office: Office, *users: str) -> list[str]:
    """Those of the users who have work."""
    return [user for user in users if office.work(user)]


def warned(run) -> list[str]:
    return [warning for warning in run.summary["warnings"] if NOBODY in warning]


def let_time_pass(office: Office) -> dict:
    """What is due is overdue; then a tick."""
    for table in ("work_item", "proposed_change"):
        name = office.control(table)
        office.sql(f"UPDATE {name} SET due_at = '2020-01-01T00:00:00.000000Z' WHERE due_at IS NOT NULL")
    answer = office.importer("tick", "--json")
    assert answer.exit_code == 0, answer
    found: dict = answer.json
    return found


def test_conditions_decide_which_steps_are_needed_and_each_change_walks_by_itself(office: Office) -> None:
    office.change(
        {
            "workflow.steps": [
                step("Terms", "user:tom", when="field == 'payment_terms'"),
                step("Credit", "group:credit", when="field == 'credit_limit'"),
                step("Large", "user:cfo", when="field == 'credit_limit' && proposed > 5000"),
            ]
        }
    )
    run = office.tonight(
        {
            "C-01": {"credit_limit": "9000", "payment_terms": "Net60"},
            "C-02": {"credit_limit": "2000", "organization_name": "Other"},
        }
    )
    both, small = (int(row["proposal_id"]) for row in run.results)
    steps = {field: change["step"] for field, change in office.changes_of(both).items()}
    assert steps == {"credit_limit": "Credit", "payment_terms": "Terms"}
    office.do("ann", "approve", small, "--fields", "credit_limit")
    assert office.changes_of(small)["credit_limit"]["status"] == "applied"
    assert office.changes_of(small)["organization_name"]["step"] == "Administrators"
    assert office.work(ADMIN) == [small]
    office.do(ADMIN, "approve", small)
    office.do("bob", "approve", both)
    assert office.changes_of(both)["credit_limit"]["step"] == "Large"
    assert office.changes_of(both)["payment_terms"]["step"] == "Terms"
    office.do("cfo", "approve", both)
    assert office.status(both) == "pending"
    office.do("tom", "approve", both)
    assert office.status(both) == "applied"


def test_names_with_fields_in_them(office: Office) -> None:
    office.change({"workflow.steps.0.approvers": ["group:credit-{data_area_id}", "field:employee_responsible_number"]})
    run = office.night("data_area_id,customer_account,credit_limit\nusmf,C-01,9000\nfrrt,F-01,9000\n")
    american, french = (int(row["proposal_id"]) for row in run.results)
    assert [office.work(user) for user in ("tom", "zoe", "cfo", ADMIN)] == [[american], [french], [american], []]


def test_nobody_to_ask_is_a_warning_on_every_run_and_the_work_goes_to_administrators(office: Office) -> None:
    office.change({"workflow.steps": [step("Review", "group:empty"), step("Second", "user:gone")]})
    run = office.tonight({"C-01": {"credit_limit": "9000"}})
    number = int(run.row(2)["proposal_id"])
    assert len(warned(run)) == 2
    assert "group:empty" in " ".join(warned(run))
    assert "user:gone" in " ".join(warned(run))
    assert "root" in " ".join(warned(run))
    assert "Nobody to ask" in (run.folder / "report.html").read_text(encoding="utf-8")
    assert waiting(office, ADMIN, "ann", "gone") == [ADMIN]
    quiet = office.tonight({"C-02": {"sales_memo": "no approval needed"}})
    assert len(warned(quiet)) == 2
    office.do(ADMIN, "approve", number)
    office.do(ADMIN, "approve", number)
    assert office.status(number) == "applied"
    office.change({"workflow.steps": [step("Review", "group:credit")]})
    assert warned(office.tonight({"C-03": {"sales_memo": "x"}})) == []


def test_a_removed_user_is_asked_no_more(office: Office) -> None:
    office.change({"workflow.steps": [step("Review", "user:cfo", "group:credit")]})
    number = office.limit("C-01", "9000")
    for user in ("ann", "bob", "eve", "cfo"):
        office.as_user(ADMIN, "users", "remove", user)
    assert waiting(office, "ann", "cfo", ADMIN) == [ADMIN]
    assert "cfo" in office.fails("cfo", "approve", number)
    run = office.tonight({"C-02": {"credit_limit": "9000"}})
    assert len(warned(run)) == 2
    office.do(ADMIN, "approve", number)
    assert office.value("C-01", "credit_limit") == "9000.00"


def test_a_blank_field_that_names_an_approver_is_nobody_to_ask(office: Office) -> None:
    office.change({"workflow.steps": [step("Review", "field:employee_responsible_number")]})
    run = office.night("data_area_id,customer_account,credit_limit\nfrrt,F-01,9000\n")
    assert len(warned(run)) == 1
    assert waiting(office, ADMIN, "cfo") == [ADMIN]


def test_what_no_step_takes_goes_to_the_administrators(office: Office) -> None:
    office.change({"workflow.steps": []})
    office.limit("C-01", "9000")
    assert waiting(office, ADMIN, "ann", "cfo") == [ADMIN]


def test_delegation_moves_the_seat_and_names_on_whose_behalf(office: Office) -> None:
    office.change({"workflow.steps": [step("All", "group:credit", policy="all")]})
    number = office.limit("C-01", "9000")
    assert office.fails("ann", "delegate", number, code=2)
    assert office.fails("ann", "delegate", number, "--to", "stranger", code=2)
    assert office.fails("zoe", "delegate", number, "--to", "tom")
    office.do("ann", "delegate", number, "--to", "carl", "--comment", "on holiday")
    assert waiting(office, "ann", "bob", "eve", "carl") == ["bob", "eve", "carl"]
    assert office.fails("ann", "approve", number)
    for user in ("bob", "eve", "carl"):
        office.do(user, "approve", number)
    assert office.status(number) == "applied"
    approvals = [
        (each["user"], each["on_behalf_of"]) for each in office.history(number) if each["action"] == "approved"
    ]
    assert approvals == [("bob", None), ("eve", None), ("carl", "ann")]


def test_on_whose_behalf_is_said_for_each_change(office: Office) -> None:
    office.change({"workflow.steps": [step("Review", "user:bob")]})
    first, second = office.limit("C-01", "9000"), office.limit("C-02", "9000")
    office.change({"workflow.steps": [step("Review", "user:ann")]})
    third = office.limit("C-03", "9000")
    office.do("ann", "delegate", third, "--to", "bob")
    office.do("bob", "approve", first, second, third)
    behalf = [
        each["on_behalf_of"]
        for n in (first, second, third)
        for each in office.history(n)
        if each["action"] == "approved"
    ]
    assert behalf == [None, None, "ann"]


def test_reassignment_is_for_administrators(office: Office) -> None:
    number = office.limit("C-01", "9000")
    assert office.fails("ann", "reassign", number, "--to", "carl")
    office.do(ADMIN, "reassign", number, "--to", "carl")
    assert waiting(office, "ann", "bob", "carl", ADMIN) == ["carl"]
    office.do(ADMIN, "reassign", number, "--to", "group:board")
    assert waiting(office, "carl", "ann", "zoe") == ["ann", "zoe"]
    office.do("zoe", "approve", number)
    assert office.status(number) == "applied"


def test_request_changes_goes_to_the_owner_and_resubmitting_starts_at_the_first_step(office: Office) -> None:
    office.change({"workflow.steps": [step("First", "user:ann"), step("Second", "user:cfo")]})
    number = office.limit("C-01", "9000")
    office.do("ann", "approve", number)
    office.do("cfo", "request-changes", number, "--comment", "why?")
    change = office.changes_of(number)["credit_limit"]
    assert (change["status"], change["comment"], change["step"]) == ("changes_requested", "why?", None)
    assert waiting(office, "ann", "cfo") == []
    assert office.fails("ann", "submit", number)
    office.do("migration", "submit", number)
    assert office.changes_of(number)["credit_limit"]["step"] == "First"
    assert waiting(office, "ann", "cfo") == ["ann"]
    office.do("ann", "approve", number)
    office.do("cfo", "approve", number)
    assert office.value("C-01", "credit_limit") == "9000.00"


def test_request_changes_of_a_persons_edit_goes_back_to_that_person(office: Office) -> None:
    number = office.set("carl", "usmf", "C-01", "credit_limit=9000")["proposal"]["id"]
    office.do("carl", "submit", number)
    office.do("ann", "request-changes", number)
    changed = office.set("carl", "usmf", "C-01", "credit_limit=7000")["proposal"]
    assert (changed["id"], changed["version"]) == (number, 2)
    office.do("carl", "submit", number)
    office.do("ann", "approve", number)
    assert office.value("C-01", "credit_limit") == "7000.00"


def test_recall_is_for_submitter_owner_and_administrators(office: Office) -> None:
    number = office.set("carl", "usmf", "C-01", "credit_limit=9000")["proposal"]["id"]
    office.do("carl", "submit", number)
    assert office.fails("ann", "recall", number)
    office.do("carl", "recall", number)
    assert (office.status(number), office.work("ann")) == ("draft", [])
    office.do("carl", "submit", number)
    office.do(ADMIN, "recall", number)
    assert office.status(number) == "draft"
    office.do("carl", "submit", number)
    office.as_user(ADMIN, "users", "remove", "carl")
    assert "user" in office.fails("carl", "recall", number)


def test_a_recalled_change_starts_again_without_the_responses_of_before(office: Office) -> None:
    office.change({"workflow.steps": [step("All", "group:credit", policy="all")]})
    number = office.limit("C-01", "9000")
    office.do("ann", "approve", number)
    office.do("migration", "recall", number)
    office.do("migration", "submit", number)
    office.do("bob", "approve", number)
    office.do("eve", "approve", number)
    assert office.status(number) == "pending"
    office.do("ann", "approve", number)
    assert office.status(number) == "applied"


def test_without_auto_submit_an_import_waits_as_a_draft(office: Office) -> None:
    office.change({"workflow.auto_submit": False})
    number = office.limit("C-01", "9000")
    assert (office.status(number), office.work("ann")) == ("draft", [])
    office.do("migration", "submit", number)
    assert (office.status(number), office.work("ann")) == ("pending", [number])


def test_overdue_work_goes_to_each_who_is_named_then_the_final_action_decides(office: Office) -> None:
    escalating = step("Review", "group:credit", due="3 days", escalate_to=["user:cfo", "user:carl"])
    office.change({"workflow.steps": [{**escalating, "final_action": "reject"}]})
    number = office.limit("C-01", "9000")
    assert office.importer("tick", "--json").json["escalated"] == 0
    assert let_time_pass(office)["escalated"] == 1
    assert waiting(office, "ann", "cfo", "carl") == ["cfo"]
    due = office.shown(number)["due_at"]
    assert due > office.shown(number)["first_proposed_at"], "for another due time"
    assert office.importer("tick", "--json").json["escalated"] == 0
    let_time_pass(office)
    assert waiting(office, "ann", "cfo", "carl") == ["carl"]
    assert let_time_pass(office)["rejected"] == 1
    change = office.changes_of(number)["credit_limit"]
    assert (change["status"], change["decided_by"]) == ("rejected", "system")
    assert [action for _, action in office.actions(number)].count("escalated") == 2


def test_with_the_final_action_none_it_stays_with_the_last(office: Office) -> None:
    office.change({"workflow.steps": [step("Review", "group:credit", due="1 days", escalate_to=["user:cfo"])]})
    number = office.limit("C-01", "9000")
    let_time_pass(office)
    for _ in range(2):
        assert let_time_pass(office)["waiting"] == 1
    assert waiting(office, "ann", "cfo") == ["cfo"]
    office.do("cfo", "approve", number)
    assert office.status(number) == "applied"


def test_an_overdue_approval_writes_unless_the_record_has_changed(office: Office) -> None:
    office.change({"workflow.steps": [step("Review", "group:credit", due="1 days", overdue="approve")]})
    first, second = office.limit("C-01", "9000"), office.limit("C-02", "9000")
    office.sql("UPDATE customer SET credit_limit = 2 WHERE customer_account = 'C-02'")
    answer = let_time_pass(office)
    assert (answer["approved"], answer["conflict"]) == (1, 1)
    assert [(reason["id"], reason["field"]) for reason in answer["reasons"]] == [(second, "credit_limit")]
    assert (office.status(first), office.status(second)) == ("applied", "conflict")
    assert office.value("C-01", "credit_limit") == "9000.00"


def test_each_step_has_its_own_due_time_and_superseding_keeps_it(office: Office) -> None:
    steps = [step("First", "user:ann", due="3 days"), step("Second", "user:cfo", due="30 days")]
    office.change({"workflow.steps": steps})
    number = office.limit("C-01", "9000")
    due = office.shown(number)["due_at"]
    office.limit("C-01", "8000")
    assert office.shown(number)["due_at"] == due
    office.do("ann", "approve", number)
    later = office.shown(number)["due_at"]
    assert later > due
    office.limit("C-01", "7000")
    assert office.changes_of(number)["credit_limit"]["step"] == "First"
    assert office.shown(number)["due_at"] == later
    (item,) = office.as_user("ann", "work", "--json").json
    assert item["due_at"] == later


def test_a_tick_escalates_each_piece_of_work_once(office: Office) -> None:
    """Work that was escalated before and work that was not are overdue at the same time."""
    office.change({"workflow.steps": [step("R", "group:credit", due="1 days", escalate_to=["user:cfo", "user:carl"])]})
    first = office.limit("C-01", "9000")
    assert let_time_pass(office)["escalated"] == 1
    second = office.limit("C-02", "9000")
    assert let_time_pass(office)["escalated"] == 2
    assert (office.work("cfo"), office.work("carl")) == ([second], [first])

/* SPDX-License-Identifier: Apache-2.0 */
#include "../../src/store/dynamodb_operation.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static struct operations list;
static struct operation all[5];

static int set_up(void **state)
{
    (void)state;
    list = (struct operations){.end = &list.first};
    memset(all, 0, sizeof(all));
    return 0;
}

/* The list's order, as indices; and that its end is right, by appending to it. */
static void expect(const char *order)
{
    struct operation last = {.tried = true};
    size_t i = 0;

    gw_operations_append(&list, &last);
    for (struct operation *op = list.first; op != &last; op = op->next, i++)
        assert_int_equal(op - all, order[i] - '0');
    assert_int_equal(order[i], 0);
    while (list.first)
        (void)gw_operations_take_first(&list);
    assert_null(gw_operations_take_first(&list));
    assert_ptr_equal(list.end, &list.first);
}

static void test_those_that_wait_are_in_the_order_of_their_deadlines(void **state)
{
    static const int64_t deadlines[] = {30, 10, 20, 10, 40};

    (void)state;
    for (size_t i = 0; i < GW_COUNT(all); i++) {
        all[i].call.deadline_ms = deadlines[i];
        gw_operations_insert_by_deadline(&list, &all[i]);
    }
    expect("13204");
}

static void test_those_that_pause_are_in_the_order_in_which_they_resume(void **state)
{
    static const int64_t resumptions[] = {30, 10, 30, 20, 40};

    (void)state;
    for (size_t i = 0; i < GW_COUNT(all); i++) {
        all[i].resume_at_ms = resumptions[i];
        gw_operations_insert_by_resumption(&list, &all[i]);
    }
    expect("13024");
}

static void test_the_first_untried_one_is_taken_before_all_others(void **state)
{
    (void)state;
    assert_null(gw_operations_take_untried(&list));
    for (size_t i = 0; i < 4; i++) {
        all[i].tried = i < 2;
        gw_operations_append(&list, &all[i]);
    }
    assert_ptr_equal(gw_operations_take_untried(&list), &all[2]);
    assert_ptr_equal(gw_operations_take_untried(&list), &all[3]);
    assert_ptr_equal(gw_operations_take_untried(&list), &all[0]);
    expect("1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_those_that_wait_are_in_the_order_of_their_deadlines, set_up),
        cmocka_unit_test_setup(test_those_that_pause_are_in_the_order_in_which_they_resume, set_up),
        cmocka_unit_test_setup(test_the_first_untried_one_is_taken_before_all_others, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/suggest.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

static const char *const words[] = {"sign",     "send",         "show",           "replay",
                                    "max_body", "max_buffered", "max_connections"};

static void test_a_mistyped_word_finds_the_nearest(void **state)
{
    static const struct {
        const char *word, *expected;
    } cases[] = {
        {"show", "show"},
        {"shwo", "show"},
        {"sho", "show"},
        {"shows", "show"},
        {"SHOW", "show"},
        {"sind", "send"}, /* "sign" is two mistakes away */
        {"repaly", "replay"},
        {"relpya", "replay"},
        {"max_bdoy", "max_body"},
        {"maxbufered", "max_buffered"},
        {"max-connection", "max_connections"},
    };

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        const char *found = gw_suggest(cases[i].word, words, GW_COUNT(words));

        if (!found || strcmp(found, cases[i].expected) != 0)
            fail_msg("%s: %s", cases[i].word, found ? found : "none");
    }
}

static void test_a_word_unlike_all_others_finds_none(void **state)
{
    static const char *const cases[] = {"",     "x",      "si",     "hsow_",
                                        "wohs", "rpely_", "listen", "mix_bdyo"};

    (void)state;
    for (size_t i = 0; i < GW_COUNT(cases); i++) {
        const char *found = gw_suggest(cases[i], words, GW_COUNT(words));

        if (found)
            fail_msg("%s: %s", cases[i], found);
    }
    assert_null(gw_suggest("show", words, 0));
}

static void test_the_first_of_equally_near_words_wins(void **state)
{
    static const char *const pair[] = {"cart", "card"};

    (void)state;
    assert_string_equal(gw_suggest("carp", pair, 2), "cart");
}

static void test_overlong_words_are_passed_over(void **state)
{
    char longest[GW_SUGGEST_WORD_MAX + 1] = {0}, longer[GW_SUGGEST_WORD_MAX + 2] = {0};
    const char *candidates[] = {longer, longest};

    (void)state;
    memset(longest, 'a', sizeof(longest) - 1);
    memset(longer, 'a', sizeof(longer) - 1);
    assert_ptr_equal(gw_suggest(longest, candidates, 2), longest);
    assert_null(gw_suggest(longer, candidates, 2));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_mistyped_word_finds_the_nearest),
        cmocka_unit_test(test_a_word_unlike_all_others_finds_none),
        cmocka_unit_test(test_the_first_of_equally_near_words_wins),
        cmocka_unit_test(test_overlong_words_are_passed_over),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

/* SPDX-License-Identifier: Apache-2.0 */
#include "gw/sigv4.h"

#include "gw/time.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cmocka.h>

/* The signer, judged by libcurl's own (CURLOPT_AWS_SIGV4), for a request that it signs right. */

#define ACCESS_KEY_ID "AKIDEXAMPLE"
#define SECRET "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"

static struct curl_slist *slist_of(const char *const *lines)
{
    struct curl_slist *list = NULL;

    for (size_t i = 0; lines[i]; i++) {
        list = curl_slist_append(list, lines[i]);
        assert_non_null(list);
    }
    return list;
}

static void perform(const char *url, const char *const *headers, const char *body)
{
    CURL *curl = curl_easy_init();
    struct curl_slist *list = slist_of(headers);

    assert_non_null(curl);
    curl_easy_setopt(curl, CURLOPT_URL, url);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, list);
    curl_easy_setopt(curl, CURLOPT_POSTFIELDS, body);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_USERPWD, ACCESS_KEY_ID ":" SECRET);
    assert_int_equal(curl_easy_setopt(curl, CURLOPT_AWS_SIGV4, "aws:amz:eu-central-1:dynamodb"),
                     CURLE_OK);
    assert_int_equal(curl_easy_perform(curl), CURLE_OK);
    curl_easy_cleanup(curl);
    curl_slist_free_all(list);
}

/* Of one connection: the answer is there before the request is read, to the end of which it reads.
 */
struct server {
    int listener;
    char request[16384];
};

static void *serve(void *data)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
    struct server *server = data;
    int connection = accept(server->listener, NULL, NULL);
    bool answered = write(connection, answer, sizeof answer - 1) == sizeof answer - 1;
    ssize_t count;
    size_t len = 0;

    while ((count = read(connection, server->request + len, sizeof server->request - 1 - len)) > 0)
        len += (size_t)count;
    server->request[len] = '\0';
    close(connection);
    return answered ? server : NULL;
}

/* @return its port */
static int server_listen(struct server *server)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t size = sizeof address;

    server->listener = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(server->listener, (struct sockaddr *)&address, size), 0);
    assert_int_equal(listen(server->listener, 1), 0);
    assert_int_equal(getsockname(server->listener, (struct sockaddr *)&address, &size), 0);
    return ntohs(address.sin_port);
}

/* What libcurl sends. */
static void capture(const char *const *headers, const char *body, struct server *server)
{
    char url[64];
    pthread_t thread;
    void *answered;

    snprintf(url, sizeof url, "http://127.0.0.1:%d/", server_listen(server));
    assert_int_equal(pthread_create(&thread, NULL, serve, server), 0);
    perform(url, headers, body);
    assert_int_equal(pthread_join(thread, &answered), 0);
    assert_non_null(answered);
    close(server->listener);
}

/* A header's value, blanks and all; asserts that it is there just once. */
static struct gw_str value_of(const char *request, struct gw_str name)
{
    char mark[128];

    snprintf(mark, sizeof mark, "\r\n%.*s:", (int)name.len, name.data);
    const char *found = strcasestr(request, mark);

    assert_non_null(found);
    found += strlen(mark);
    assert_null(strcasestr(found, mark));
    return (struct gw_str){found, strcspn(found, "\r")};
}

/* The headers that an Authorization names: those that libcurl has signed. */
static size_t find_signed(const char *request, struct gw_str authorization,
                          struct gw_sigv4_header *headers)
{
    const char *at = strstr(authorization.data, "SignedHeaders=");
    size_t count = 0;

    assert_non_null(at);
    for (at += strlen("SignedHeaders="); *at && *at != ','; count++) {
        struct gw_str name = {at, strcspn(at, ";,")};

        assert_true(count < GW_SIGV4_HEADERS_MAX);
        headers[count] = (struct gw_sigv4_header){name, value_of(request, name)};
        at += name.len + (at[name.len] == ';');
    }
    return count;
}

static void check_as_libcurl(const char *const *lines, size_t expected_count, const char *body)
{
    struct gw_sigv4_key *key = gw_sigv4_key_new(GW_STR("eu-central-1"), GW_STR("dynamodb"));
    struct gw_sigv4_header headers[GW_SIGV4_HEADERS_MAX];
    struct gw_buffer text;
    struct server server;
    char hash[GW_SIGV4_HASH_SIZE];
    int64_t time_ms;

    assert_non_null(key);
    gw_buffer_init(&text, 4096);
    capture(lines, body, &server);
    struct gw_str theirs = value_of(server.request, GW_STR("Authorization"));
    struct gw_str date = value_of(server.request, GW_STR("X-Amz-Date"));
    struct gw_sigv4_request request = {.method = GW_STR("POST"),
                                       .path = GW_STR("/"),
                                       .headers = headers,
                                       .header_count = find_signed(server.request, theirs, headers),
                                       .body_hash = {hash, sizeof hash - 1}};

    assert_int_equal(request.header_count, expected_count);
    assert_int_equal(gw_sigv4_hash(gw_str(body), hash), 0);
    assert_int_equal(gw_time_parse((struct gw_str){date.data + 1, date.len - 1}, &time_ms), 0);
    assert_int_equal(
        gw_sigv4_sign(key, GW_STR(ACCESS_KEY_ID), GW_STR(SECRET), &request, time_ms, &text), 0);
    assert_int_equal(text.len, theirs.len - 1);
    assert_memory_equal(text.data, theirs.data + 1, text.len);
    gw_buffer_deinit(&text);
    gw_sigv4_key_free(key);
}

static void test_a_dynamodb_post_is_signed_as_libcurl_signs_it(void **state)
{
    static const char *const lines[] = {
        "Content-Type: application/x-amz-json-1.0", "X-Amz-Target: DynamoDB_20120810.PutItem",
        "X-Amz-Security-Token: IQoJb3JpZ2luX2VjEXAMPLE//token+with/odd=characters==", NULL};
    static const char *const bodies[] = {
        "{}", "", "{\"TableName\":\"GenesysConversations\",\"Item\":{\"k\":{\"S\":\"\xc3\xbc\"}}}"};

    (void)state;
    for (size_t i = 0; i < GW_COUNT(bodies); i++)
        check_as_libcurl(lines, 5, bodies[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_dynamodb_post_is_signed_as_libcurl_signs_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}

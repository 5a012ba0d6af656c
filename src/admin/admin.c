/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A libmicrohttpd daemon for each address, all of them on main's loop: a scrape costs main a
 * fraction of a millisecond, and the workers nothing. Few clients are let in, and none may stay
 * without asking. As everything here is a GET without a body, all is answered in the last call.
 *
 * There is no password, so browsers are kept from handing it on: other sites may neither read nor
 * embed anything, and where only this machine is listened to, no other name leads here.
 */
#include "gw/admin.h"

#include "gw/exposition.h"
#include "gw/gauges.h"
#include "gw/host.h"
#include "gw/listener.h"
#include "gw/status_json.h"
#include "gw/status_page.h"
#include "gw/time.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <unistd.h>

#define CONNECTIONS_MAX 32U
#define TIMEOUT_S 15U
#define PAGE_BYTES_MAX (1 << 20)

/* One address. */
struct door {
    struct gw_admin *admin;
    struct MHD_Daemon *mhd;
    struct gw_watch watch;
    struct gw_timer timer;
};

struct gw_admin {
    struct gw_admin_options options;
    int64_t start_ms;
    struct gw_listeners listeners;
    bool loopback;
    struct door doors[GW_FRONT_LISTENERS_MAX];
};

/* --- pages --- */

static struct gw_gauges measure(const struct gw_admin *admin)
{
    struct gw_gauges gauges = {0};

    gw_gauges_measure(&gauges, admin->options.shared, admin->options.account);
    gauges.values[GW_GAUGE_WORKERS] = admin->options.workers;
    gauges.values[GW_GAUGE_START_MS] = admin->start_ms;
    gauges.values[GW_GAUGE_GAP_START_MS] = admin->options.gap->from_ms;
    gauges.values[GW_GAUGE_GAP_END_MS] = admin->options.gap->to_ms;
    return gauges;
}

static int write_metrics(struct gw_admin *admin, struct gw_buffer *page)
{
    const struct gw_gauges gauges = measure(admin);

    return gw_exposition_write(page, admin->options.account, &gauges);
}

static int write_status(struct gw_admin *admin, struct gw_buffer *page)
{
    const struct gw_admin_options *options = &admin->options;
    const struct gw_gauges gauges = measure(admin);
    struct gw_refusal refusals[GW_REFUSALS_KEPT];
    const struct gw_status status = {
        .now_ms = gw_time_now_ms(),
        .account = options->account,
        .gauges = &gauges,
        .refusals = refusals,
        .refusal_count = gw_refusals_copy(&options->shared->refusals, refusals),
        .started = options->started,
        .latest = *options->latest,
        .secrets = (*options->settings)->endpoint->keyring.count,
    };

    return gw_status_json_write(page, &status);
}

static int write_page(struct gw_admin *admin, struct gw_buffer *page)
{
    (void)admin;
    return gw_buffer_append(page, gw_status_page);
}

static const struct page {
    const char *path, *type;
    int (*write)(struct gw_admin *admin, struct gw_buffer *page);
} pages[] = {
    {"/", "text/html; charset=utf-8", write_page},
    {"/status.json", "application/json", write_status},
    {"/metrics", GW_EXPOSITION_TYPE, write_metrics},
};

static const struct page *find_page(const char *path)
{
    for (size_t i = 0; i < GW_COUNT(pages); i++)
        if (strcmp(pages[i].path, path) == 0)
            return &pages[i];
    return NULL;
}

/* --- answers --- */

/* The page's policy does the others no harm. */
static bool add_headers(struct MHD_Response *response, const char *type)
{
    const struct {
        const char *name, *value;
    } headers[] = {
        {"Content-Type", type},
        {"Cache-Control", "no-store"},
        {"Content-Security-Policy", gw_status_policy},
        {"Cross-Origin-Resource-Policy", "same-origin"},
        {"Referrer-Policy", "no-referrer"},
        {"X-Content-Type-Options", "nosniff"},
    };
    bool added = true;

    for (size_t i = 0; i < GW_COUNT(headers) && added; i++)
        added = MHD_add_response_header(response, headers[i].name, headers[i].value) == MHD_YES;
    return added;
}

/* Takes @body, which was allocated. */
static enum MHD_Result reply(struct MHD_Connection *connection, unsigned status, const char *type,
                             struct gw_str body)
{
    struct MHD_Response *response = MHD_create_response_from_buffer(
        body.len, (void *)(uintptr_t)body.data, MHD_RESPMEM_MUST_FREE);
    enum MHD_Result queued = MHD_NO;

    if (!response) {
        free((void *)(uintptr_t)body.data);
        return MHD_NO;
    }
    if (add_headers(response, type))
        queued = MHD_queue_response(connection, status, response);
    MHD_destroy_response(response);
    return queued;
}

static enum MHD_Result refuse(struct MHD_Connection *connection, unsigned status, const char *text)
{
    char *body = strdup(text);

    return body ? reply(connection, status, "text/plain; charset=utf-8", gw_str(body)) : MHD_NO;
}

static enum MHD_Result show(struct gw_admin *admin, struct MHD_Connection *connection,
                            const struct page *page)
{
    struct gw_buffer body;

    gw_buffer_init(&body, PAGE_BYTES_MAX);
    if (page->write(admin, &body) != 0) {
        gw_buffer_deinit(&body);
        return refuse(connection, MHD_HTTP_INTERNAL_SERVER_ERROR, "out of memory\n");
    }
    return reply(connection, MHD_HTTP_OK, page->type, gw_buffer_str(&body));
}

/* Whether the browser may have been led here by another's name. */
static bool is_misled(const struct gw_admin *admin, struct MHD_Connection *connection)
{
    return admin->loopback &&
           !gw_host_is_own(MHD_lookup_connection_value(connection, MHD_HEADER_KIND, "Host"));
}

static enum MHD_Result handle(void *context, struct MHD_Connection *connection, const char *url,
                              const char *method, const char *version, const char *data,
                              size_t *data_size, void **state)
{
    static char seen;
    struct door *door = context;
    const struct page *page = find_page(url);

    (void)version;
    (void)data;
    if (!*state) {
        *state = &seen;
        return MHD_YES;
    }
    if (*data_size > 0) {
        *data_size = 0;
        return MHD_YES;
    }
    if (is_misled(door->admin, connection))
        return refuse(connection, MHD_HTTP_MISDIRECTED_REQUEST,
                      "ask for localhost, or for an address: other names may be anybody's\n");
    if (!page)
        return refuse(connection, MHD_HTTP_NOT_FOUND, "there are /, /status.json and /metrics\n");
    if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
        return refuse(connection, MHD_HTTP_METHOD_NOT_ALLOWED, "GET and HEAD alone\n");
    return show(door->admin, connection, page);
}

/* --- life --- */

static unsigned count_connections(const struct door *door)
{
    return MHD_get_daemon_info(door->mhd, MHD_DAEMON_INFO_CURRENT_CONNECTIONS)->num_connections;
}

/* The library tells by its timeout what its descriptor does not; and that it has room for clients
 * again it sees at its next run only, so after one in which some went there is another. */
static void run(struct door *door)
{
    struct gw_loop *loop = door->admin->options.loop;
    MHD_UNSIGNED_LONG_LONG timeout_ms;
    unsigned before;

    do {
        before = count_connections(door);
        (void)MHD_run(door->mhd);
    } while (count_connections(door) < before);
    gw_loop_cancel_timer(loop, &door->timer);
    if (MHD_get_timeout(door->mhd, &timeout_ms) == MHD_YES)
        gw_loop_set_timer(loop, &door->timer, gw_time_monotonic_ms() + (int64_t)timeout_ms);
}

static void ready(struct gw_watch *watch, uint32_t events)
{
    (void)events;
    run(GW_CONTAINER(watch, struct door, watch));
}

static void timed_out(struct gw_timer *timer, int64_t now_ms)
{
    (void)now_ms;
    run(GW_CONTAINER(timer, struct door, timer));
}

/* The socket is the library's from then on. */
static int open_door(struct gw_admin *admin, struct door *door, int fd)
{
    door->admin = admin;
    door->timer.fire = timed_out;
    door->mhd =
        MHD_start_daemon(MHD_USE_EPOLL, 0, NULL, NULL, handle, door, MHD_OPTION_LISTEN_SOCKET, fd,
                         MHD_OPTION_CONNECTION_LIMIT, CONNECTIONS_MAX,
                         MHD_OPTION_CONNECTION_TIMEOUT, TIMEOUT_S, MHD_OPTION_END);
    if (!door->mhd)
        return -ENOMEM;
    door->watch = (struct gw_watch){
        .fd = MHD_get_daemon_info(door->mhd, MHD_DAEMON_INFO_EPOLL_FD)->epoll_fd, .ready = ready};
    return gw_loop_add(admin->options.loop, &door->watch, EPOLLIN);
}

static int open_doors(struct gw_admin *admin, char *message, size_t message_size)
{
    struct gw_listeners *listeners = &admin->listeners;
    int r = gw_listeners_bind(listeners, admin->options.listen, "[admin] listen", message,
                              message_size);

    if (r)
        return r;
    admin->loopback = gw_listeners_are_loopback(listeners);
    if (!admin->options.remote && !admin->loopback) {
        (void)snprintf(message, message_size,
                       "[admin] listen can be reached from other machines, and whoever reaches it "
                       "may look: take 127.0.0.1, or say [admin] remote = yes");
        return -EPERM;
    }
    for (size_t i = 0; i < listeners->count && r == 0; i++)
        r = open_door(admin, &admin->doors[i], listeners->fds[i]);
    return r;
}

int gw_admin_new(const struct gw_admin_options *options, struct gw_admin **admin, char *message,
                 size_t message_size)
{
    struct gw_admin *made = calloc(1, sizeof(*made));

    (void)snprintf(message, message_size, "no memory for the admin listener");
    if (!made)
        return -ENOMEM;
    made->options = *options;
    made->start_ms = gw_time_now_ms();
    int r = open_doors(made, message, message_size);

    if (r)
        gw_admin_free(made);
    else
        *admin = made;
    return r;
}

struct gw_admin *gw_admin_free(struct gw_admin *admin)
{
    if (!admin)
        return NULL;
    gw_listeners_remove_names(&admin->listeners);
    for (size_t i = 0; i < admin->listeners.count; i++) {
        struct door *door = &admin->doors[i];

        if (!door->mhd) {
            close(admin->listeners.fds[i]);
            continue;
        }
        gw_loop_cancel_timer(admin->options.loop, &door->timer);
        gw_loop_remove(admin->options.loop, &door->watch);
        MHD_stop_daemon(door->mhd);
    }
    free(admin);
    return NULL;
}

void gw_admin_format(const struct gw_admin *admin, char *text, size_t size)
{
    gw_listeners_format(&admin->listeners, text, size);
}

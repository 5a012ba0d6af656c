/* SPDX-License-Identifier: Apache-2.0 */
/*
 * doctor: what stands between Genesys and a stored event, from the configuration on, as it can be
 * seen from here. It changes nothing, and runs beside a daemon that serves.
 */
#include "doctor.h"

#include "gw/cli.h"
#include "gw/log.h"
#include "gw/secret.h"
#include "gw/time.h"

#include <curl/curl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define ASK_MS 5000
#define SKEW_TOLD_MS 30000
#define SKEW_WRONG_MS 300000 /* then AWS takes no signature of ours */

struct values {
    const char *config;
    const char *url, *ca_file;
    int64_t timeout_ms;
};

static const struct gw_cli_option options[] = {
    {"config", 'c', GW_CLI_TEXT, "FILE", NULL, NULL, offsetof(struct values, config),
     "the daemon's configuration; without one, the defaults"},
    {"url", 0, GW_CLI_TEXT, "URL", NULL, NULL, offsetof(struct values, url),
     "look at the public URL, too, as it was given to Genesys"},
    {"ca-file", 0, GW_CLI_TEXT, "FILE", NULL, NULL, offsetof(struct values, ca_file),
     "the authorities that vouch for it, where they are not the system's"},
    {"timeout", 0, GW_CLI_SECONDS, "SECONDS", "30", NULL, offsetof(struct values, timeout_ms),
     "how long everything together may take"},
};

void gw_doctor_say(struct gw_doctor *doctor, enum gw_doctor_verdict verdict, const char *what,
                   const char *format, ...)
{
    static const char *const verdicts[] = {
        [GW_DOCTOR_OK] = "ok", [GW_DOCTOR_WARNING] = "warning", [GW_DOCTOR_WRONG] = "wrong"};
    char text[2048];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(text, sizeof(text), format, arguments);
    va_end(arguments);
    gw_cli_report(verdicts[verdict], what, gw_str(text));
    doctor->is_wrong |= verdict == GW_DOCTOR_WRONG;
}

void gw_doctor_ask(const struct gw_doctor *doctor, struct gw_ask *ask)
{
    int64_t left_ms = doctor->deadline_ms - gw_time_monotonic_ms();

    /* Of libcurl's time-outs 0 is none. */
    ask->timeout_ms = left_ms < 1 ? 1 : left_ms < ASK_MS ? left_ms : ASK_MS;
    gw_ask(ask);
}

void gw_doctor_judge_clock(struct gw_doctor *doctor, const char *whose, int64_t skew_ms)
{
    int64_t off_ms = llabs(skew_ms);

    if (off_ms <= SKEW_TOLD_MS)
        gw_doctor_say(doctor, GW_DOCTOR_OK, "clock", "agrees with %s", whose);
    else
        gw_doctor_say(doctor, off_ms < SKEW_WRONG_MS ? GW_DOCTOR_WARNING : GW_DOCTOR_WRONG, "clock",
                      "%" PRId64 " s %s %s: let NTP set it, see timedatectl", off_ms / 1000,
                      skew_ms > 0 ? "behind" : "ahead of", whose);
}

static void look_at_all(struct gw_doctor *doctor)
{
    if (!gw_doctor_look_at_configuration(doctor))
        return;
    gw_doctor_look_at_daemon(doctor);
    gw_doctor_look_at_secrets(doctor);
    gw_doctor_look_at_limits(doctor);
    gw_doctor_look_at_proxies(doctor);
    gw_doctor_look_at_backend(doctor);
    if (doctor->url)
        gw_doctor_look_at_url(doctor);
    gw_config_deinit(&doctor->config);
}

static enum gw_cli_exit run(const void *values, char **operands, size_t count)
{
    const struct values *given = values;
    struct gw_doctor doctor = {
        .config_path = given->config,
        .url = given->url,
        .ca_file = given->ca_file,
        .deadline_ms = gw_time_monotonic_ms() + given->timeout_ms,
    };

    (void)operands;
    (void)count;
    gw_log_configure(GW_LOG_WARNING, GW_LOG_TEXT);
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK || gw_secret_take_environment() < 0) {
        gw_cli_error("cannot set up libcurl, or no memory");
        return GW_CLI_FAILED;
    }
    look_at_all(&doctor);
    gw_secret_forget_environment();
    curl_global_cleanup();
    return doctor.is_wrong ? GW_CLI_FAILED : GW_CLI_OK;
}

const struct gw_cli_command gw_cli_doctor = {
    .name = "doctor",
    .synopsis = "",
    .summary = "Look for what is wrong with an installation, and say what to do",
    .description =
        "Looks at configuration, listeners, the daemon that runs, secrets, limits, the\n"
        "backend and its rights, the clock, and with --url at the public URL. Each line is a\n"
        "finding: ok, warning or wrong. It changes nothing. Run it as root or as the\n"
        "daemon's user: what another one may not see is a warning, 'not checked'.\n"
        "The status is 1 if anything is wrong; warnings leave it 0.",
    .example = "genesys-webhook doctor --config /etc/genesys-webhookd/genesys-webhookd.ini",
    .options = options,
    .option_count = GW_COUNT(options),
    .operands_min = 0,
    .operands_max = 0,
    .values_size = sizeof(struct values),
    .run = run,
};

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regions come faster than releases of this program, so no region is known by name: its beginning
 * tells the partition, and the partition the suffix. A custom endpoint is taken apart and checked
 * by libcurl's URL parser, the one that the requests go through later, and put together again
 * without anything that we would not send.
 */
#include "gw/aws_endpoint.h"

#include "gw/aws_credentials.h"
#include "gw/aws_profile.h"
#include "provider.h"

#include <ctype.h>
#include <curl/curl.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <strings.h>

#define REGION_LEN_MAX 63 /* a host label's */

/* The first whose regions begin so; the last one's is any. */
static const struct partition {
    const char *begins;
    const char *suffix;
    const char *dual_stack_suffix; /* NULL: it has none */
    bool fips_by_default;          /* DynamoDB and STS: the plain endpoint is the FIPS one */
} partitions[] = {
    {"cn-", "amazonaws.com.cn", "api.amazonwebservices.com.cn", false},
    {"eusc-", "amazonaws.eu", "api.amazonwebservices.eu", false},
    {"us-gov-", "amazonaws.com", "api.aws", true},
    {"us-iso-", "c2s.ic.gov", NULL, false},
    {"us-isob-", "sc2s.sgov.gov", NULL, false},
    {"us-isof-", "csp.hci.ic.gov", NULL, false},
    {"eu-isoe-", "cloud.adc-e.uk", NULL, false},
    {"", "amazonaws.com", "api.aws", false},
};

static const struct partition *find_partition(const char *region)
{
    const struct partition *partition = partitions;

    while (strncmp(region, partition->begins, strlen(partition->begins)) != 0)
        partition++;
    return partition;
}

static const char *or_null(const char *text)
{
    return text && *text ? text : NULL;
}

static int refuse(char *message, const char *text)
{
    gw_provider_fail(message, "%s", text);
    return -EINVAL;
}

static bool is_region(const char *region)
{
    size_t len = strlen(region);

    return len <= REGION_LEN_MAX && region[0] != '-' && region[len - 1] != '-' &&
           strspn(region, "abcdefghijklmnopqrstuvwxyz0123456789-") == len;
}

/* --- AWS's own endpoints --- */

/* S3 has a host of its own for dual-stack instead of another suffix. */
static int resolve_own(const struct gw_aws_endpoint_options *options, const char *service,
                       struct gw_aws_endpoint *endpoint, char *message)
{
    const struct partition *partition = find_partition(options->region);
    bool is_s3 = strcmp(service, "s3") == 0, dual_stack = options->dual_stack;
    bool plain_is_fips = partition->fips_by_default && !is_s3 && !dual_stack;
    const char *fips = options->fips && !plain_is_fips ? "-fips" : "";

    if (dual_stack && !partition->dual_stack_suffix)
        return refuse(message, "there are no dual-stack endpoints in this region's partition: "
                               "unset AWS_USE_DUALSTACK_ENDPOINT");
    (void)snprintf(endpoint->url, sizeof(endpoint->url), "https://%s%s%s.%s.%s", service, fips,
                   is_s3 && dual_stack ? ".dualstack" : "", options->region,
                   dual_stack && !is_s3 ? partition->dual_stack_suffix : partition->suffix);
    return 0;
}

/* --- custom endpoints --- */

/* What a URL may have and an endpoint may not. */
static const CURLUPart forbidden[] = {CURLUPART_USER, CURLUPART_PASSWORD, CURLUPART_OPTIONS,
                                      CURLUPART_QUERY, CURLUPART_FRAGMENT};

/* @return NULL where it is not there; else to be curl_free'd */
static char *take_part(CURLU *parsed, CURLUPart part)
{
    char *text = NULL;

    return curl_url_get(parsed, part, &text, 0) == CURLUE_OK ? text : NULL;
}

static bool is_allowed(CURLU *parsed)
{
    char *path = take_part(parsed, CURLUPART_PATH);
    bool allowed = !path || strcmp(path, "/") == 0;

    curl_free(path);
    for (size_t i = 0; i < GW_COUNT(forbidden); i++) {
        char *text = take_part(parsed, forbidden[i]);

        allowed = allowed && !text;
        curl_free(text);
    }
    return allowed;
}

/* Older libcurls let through what no host has. */
static bool is_host(const char *host)
{
    bool is_ipv6 = host[0] == '[';
    size_t len = 0;

    while (isalnum((unsigned char)host[len]) || (host[len] && strchr("-._[]:", host[len])))
        len++;
    return len > 0 && host[len] == '\0' && (is_ipv6 || !strpbrk(host, "[]:"));
}

/* Without the scheme's own port, as libcurl leaves it out of the Host header too. */
static bool write_custom(const char *scheme, const char *host, const char *port,
                         struct gw_aws_endpoint *endpoint)
{
    bool is_https = scheme && strcmp(scheme, "https") == 0;
    bool is_http = scheme && strcmp(scheme, "http") == 0;
    bool is_usual = !port || strcmp(port, is_https ? "443" : "80") == 0;
    int len;

    if ((!is_https && !is_http) || !host || !is_host(host))
        return false;
    len = snprintf(endpoint->url, sizeof(endpoint->url), "%s://%s%s%s", scheme, host,
                   is_usual ? "" : ":", is_usual ? "" : port);
    endpoint->is_custom = true;
    return len >= 0 && (size_t)len < sizeof(endpoint->url);
}

static bool read_custom(const char *text, struct gw_aws_endpoint *endpoint)
{
    CURLU *parsed = curl_url();
    bool is_good = false;

    if (parsed && curl_url_set(parsed, CURLUPART_URL, text, 0) == CURLUE_OK && is_allowed(parsed)) {
        char *scheme = take_part(parsed, CURLUPART_SCHEME);
        char *host = take_part(parsed, CURLUPART_HOST);
        char *port = take_part(parsed, CURLUPART_PORT);

        is_good = write_custom(scheme, host, port, endpoint);
        curl_free(scheme);
        curl_free(host);
        curl_free(port);
    }
    curl_url_cleanup(parsed);
    return is_good;
}

/* The URL is not quoted back: it may hold a password. */
static int resolve_custom(const struct gw_aws_endpoint_options *options,
                          struct gw_aws_endpoint *endpoint, char *message)
{
    if (options->fips || options->dual_stack)
        return refuse(message, "a custom endpoint cannot be had as FIPS or dual-stack: remove the "
                               "endpoint, or unset AWS_USE_FIPS_ENDPOINT and "
                               "AWS_USE_DUALSTACK_ENDPOINT");
    if (!read_custom(options->endpoint, endpoint))
        return refuse(message, "the AWS endpoint must be https:// or http:// with a host, and "
                               "perhaps a port, and nothing else: http://localhost:8000");
    return 0;
}

static const char *after_scheme(const char *url)
{
    return strstr(url, "://") + 3;
}

int gw_aws_endpoint_resolve(const struct gw_aws_endpoint_options *options, const char *service,
                            struct gw_aws_endpoint *endpoint, char *message)
{
    struct gw_aws_endpoint resolved = {0};
    int r;

    if (!or_null(options->region))
        return refuse(message, "no AWS region is configured: set region, AWS_REGION, or region in "
                               "the profile (with a custom endpoint too, as it is signed)");
    if (!is_region(options->region))
        return refuse(message, "the AWS region must be small letters, digits and hyphens, such as "
                               "eu-central-1");
    memcpy(resolved.region, options->region, strlen(options->region));
    r = or_null(options->endpoint) ? resolve_custom(options, &resolved, message)
                                   : resolve_own(options, service, &resolved, message);
    if (r < 0)
        return r;
    *endpoint = resolved;
    memcpy(endpoint->host, after_scheme(resolved.url), strlen(after_scheme(resolved.url)) + 1);
    return 0;
}

/* --- what the configuration leaves open --- */

/* Environment first, then the profile. */
static const char *look_up(const struct gw_aws_profiles *profiles, const char *variable,
                           const char *key)
{
    const char *value = gw_provider_getenv(variable);

    if (value || !profiles)
        return value;
    return gw_aws_profile_get(profiles, gw_aws_profile_name(), key);
}

static bool look_up_flag(const struct gw_aws_profiles *profiles, const char *variable,
                         const char *key)
{
    const char *value = look_up(profiles, variable, key);

    return value && strcasecmp(value, "true") == 0;
}

static const char *look_up_region(const struct gw_aws_profiles *profiles)
{
    const char *region = gw_provider_getenv("AWS_REGION");

    return region ? region : look_up(profiles, "AWS_DEFAULT_REGION", "region");
}

static const char *service_variable(const char *service, char *variable, size_t size)
{
    (void)snprintf(variable, size, "AWS_ENDPOINT_URL_%s", service);
    for (char *c = variable; *c; c++)
        *c = (char)toupper((unsigned char)*c);
    return variable;
}

/* The environment before the profile, and in each what speaks of the one service first. */
static const char *look_up_endpoint(const struct gw_aws_profiles *profiles, const char *service)
{
    char variable[64];
    const char *url = gw_provider_getenv(service_variable(service, variable, sizeof(variable)));

    if (!url)
        url = gw_provider_getenv("AWS_ENDPOINT_URL");
    if (!url && profiles)
        url = gw_aws_profile_get_service(profiles, gw_aws_profile_name(), service, "endpoint_url");
    if (!url && profiles)
        url = gw_aws_profile_get(profiles, gw_aws_profile_name(), "endpoint_url");
    return url;
}

void gw_aws_endpoint_look_up(const struct gw_aws_profiles *profiles, const char *service,
                             struct gw_aws_endpoint_options *options)
{
    bool ignores = look_up_flag(profiles, "AWS_IGNORE_CONFIGURED_ENDPOINT_URLS",
                                "ignore_configured_endpoint_urls");

    if (!or_null(options->region))
        options->region = look_up_region(profiles);
    if (!or_null(options->endpoint) && !ignores)
        options->endpoint = look_up_endpoint(profiles, service);
    options->fips |= look_up_flag(profiles, "AWS_USE_FIPS_ENDPOINT", "use_fips_endpoint");
    options->dual_stack |=
        look_up_flag(profiles, "AWS_USE_DUALSTACK_ENDPOINT", "use_dualstack_endpoint");
}

/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The backend. Of the file store what a daemon needs to open it and to go on; its lock tells
 * whether one has, and is only looked at: a shared lock that is let go at once. Of DynamoDB all
 * that `table check` finds, told by itself.
 */
#include "doctor.h"
#include "dynamodb_session.h"

#include "gw/file_store.h"
#include "gw/time.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#define FILE_STORE "file store"
#define LOCK "lock"
#define ROOM_SMALL ((uint64_t)1 << 30)
#define ROOM_NONE ((uint64_t)16 << 20)

struct place {
    char path[PATH_MAX], folder[PATH_MAX];
    struct stat folder_status;
};

/* --- the file store --- */

static bool find_place(struct gw_doctor *doctor, struct place *place)
{
    const char *slash;

    if (gw_file_store_path(doctor->config.file_path, place->path, sizeof(place->path)) != 0) {
        gw_doctor_say(doctor, GW_DOCTOR_WRONG, FILE_STORE, "[file] path is too long");
        return false;
    }
    slash = strrchr(place->path, '/');
    (void)snprintf(place->folder, sizeof(place->folder), "%.*s",
                   slash ? (int)(slash + 1 - place->path) : 1, slash ? place->path : ".");
    return true;
}

/* Under systemd a relative path is not where it seems from here. */
static const char *hint(const struct gw_doctor *doctor)
{
    return *doctor->config.file_path == '/' || getenv("STATE_DIRECTORY")
               ? ""
               : "; of a relative [file] path under systemd, say STATE_DIRECTORY=/var/lib/"
                 "genesys-webhookd before this command";
}

static void judge_unwritable(struct gw_doctor *doctor, const struct place *place, int error)
{
    if (error == EACCES && place->folder_status.st_uid != geteuid())
        gw_doctor_say(doctor, GW_DOCTOR_WARNING, FILE_STORE,
                      "not checked: this user may not write to %s, which is the user %u's: run "
                      "this as root or as the daemon's user",
                      place->folder, (unsigned)place->folder_status.st_uid);
    else
        gw_doctor_say(doctor, GW_DOCTOR_WRONG, FILE_STORE,
                      "%s cannot be written to: %s; the daemon's user needs to make files there",
                      place->folder, strerrordesc_np(error));
}

/* @return whether what is in it can be looked at. */
static bool look_at_folder(struct gw_doctor *doctor, struct place *place)
{
    if (stat(place->folder, &place->folder_status) < 0) {
        bool unseen = errno == EACCES;

        gw_doctor_say(doctor, unseen ? GW_DOCTOR_WARNING : GW_DOCTOR_WRONG, FILE_STORE,
                      unseen ? "not checked: %s: %s: run this as root or as the daemon's user%s"
                             : "%s: %s: make it, for the daemon's user%s",
                      place->folder, strerrordesc_np(errno), hint(doctor));
        return false;
    }
    if (faccessat(AT_FDCWD, place->folder, W_OK | X_OK, AT_EACCESS) < 0) {
        judge_unwritable(doctor, place, errno);
        return faccessat(AT_FDCWD, place->folder, X_OK, AT_EACCESS) == 0;
    }
    return true;
}

static void look_at_file(struct gw_doctor *doctor, const struct place *place)
{
    struct stat status;

    if (stat(place->path, &status) < 0)
        gw_doctor_say(doctor, errno == ENOENT ? GW_DOCTOR_OK : GW_DOCTOR_WRONG, FILE_STORE,
                      errno == ENOENT ? "%s, which the first daemon will make"
                                      : "%s: it cannot be "
                                        "looked at",
                      place->path);
    else if (!S_ISREG(status.st_mode))
        gw_doctor_say(doctor, GW_DOCTOR_WRONG, FILE_STORE,
                      "%s is no file that can be appended to: let [file] path name another",
                      place->path);
    else if (status.st_uid != place->folder_status.st_uid && place->folder_status.st_uid != 0)
        gw_doctor_say(doctor, GW_DOCTOR_WARNING, FILE_STORE,
                      "%s is the user %u's, its folder the user %u's, who could not write it: was "
                      "the daemon started by another once? chown it and its .lock",
                      place->path, (unsigned)status.st_uid, (unsigned)place->folder_status.st_uid);
    else if (status.st_mode & (S_IRWXG | S_IRWXO))
        gw_doctor_say(doctor, GW_DOCTOR_WARNING, FILE_STORE,
                      "%s holds what people said and is open to its group or to others: chmod 0600",
                      place->path);
    else
        gw_doctor_say(doctor, GW_DOCTOR_OK, FILE_STORE, "%s", place->path);
}

static void look_at_room(struct gw_doctor *doctor, const struct place *place)
{
    struct statvfs room;

    if (statvfs(place->folder, &room) < 0) {
        gw_doctor_say(doctor, GW_DOCTOR_WARNING, "room", "not checked: %s: %s", place->folder,
                      strerrordesc_np(errno));
        return;
    }
    uint64_t bytes = (uint64_t)room.f_bavail * room.f_frsize;

    gw_doctor_say(doctor,
                  bytes < ROOM_NONE    ? GW_DOCTOR_WRONG
                  : bytes < ROOM_SMALL ? GW_DOCTOR_WARNING
                                       : GW_DOCTOR_OK,
                  "room", "%" PRIu64 " MiB are free in %s%s", bytes >> 20, place->folder,
                  bytes < ROOM_SMALL ? ": make room, or rotate; on a full disk every event is 500"
                                     : "");
}

static void judge_lock(struct gw_doctor *doctor, bool held)
{
    if (held && doctor->runs)
        gw_doctor_say(doctor, GW_DOCTOR_OK, LOCK, "held by a daemon");
    else if (held)
        gw_doctor_say(doctor, GW_DOCTOR_WRONG, LOCK,
                      "held, but no daemon answers: one hangs, or runs with another "
                      "configuration or on a socket of systemd's: let listen say the same; fuser "
                      "tells which one it is");
    else if (doctor->runs)
        gw_doctor_say(doctor, GW_DOCTOR_WARNING, LOCK,
                      "free, so the daemon that runs writes elsewhere: was it started with "
                      "another configuration?%s",
                      hint(doctor));
    else
        gw_doctor_say(doctor, GW_DOCTOR_OK, LOCK, "free");
}

static void look_at_lock(struct gw_doctor *doctor, const struct place *place)
{
    char real[PATH_MAX], name[PATH_MAX + 8];
    int fd;

    /* It lies beside the real file. */
    (void)snprintf(name, sizeof(name), "%s.lock", realpath(place->path, real) ? real : place->path);
    fd = open(name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0 && errno != ENOENT) {
        gw_doctor_say(doctor, GW_DOCTOR_WARNING, LOCK,
                      "not checked: %s: %s: run this as root or as the daemon's user", name,
                      strerrordesc_np(errno));
        return;
    }
    judge_lock(doctor, fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 && errno == EWOULDBLOCK);
    if (fd >= 0)
        close(fd);
}

static void look_at_file_store(struct gw_doctor *doctor)
{
    struct place place;

    if (find_place(doctor, &place) && look_at_folder(doctor, &place)) {
        look_at_file(doctor, &place);
        look_at_room(doctor, &place);
        look_at_lock(doctor, &place);
    }
    if (!doctor->url)
        gw_doctor_say(doctor, GW_DOCTOR_WARNING, "clock",
                      "not checked: a file has none to compare with; --url takes the public URL's");
}

/* --- DynamoDB --- */

static void look_at_dynamodb(struct gw_doctor *doctor)
{
    struct gw_dynamodb_session session;
    char message[GW_AWS_MESSAGE_SIZE];
    int64_t left_ms = doctor->deadline_ms - gw_time_monotonic_ms();

    if (gw_dynamodb_session_open(&session, &doctor->config, left_ms, message) != 0) {
        gw_doctor_say(doctor, GW_DOCTOR_WRONG, "DynamoDB", "%s", message);
        return;
    }
    (void)gw_dynamodb_table_check(&session);
    doctor->is_wrong |= session.is_wrong;
    if (session.skew_ms == INT64_MIN)
        gw_doctor_say(doctor, GW_DOCTOR_WARNING, "clock",
                      "not checked: no answer of DynamoDB's told the time");
    else
        gw_doctor_judge_clock(doctor, "DynamoDB's", session.skew_ms);
    gw_dynamodb_session_close(&session);
}

void gw_doctor_look_at_backend(struct gw_doctor *doctor)
{
    static void (*const look_at[])(struct gw_doctor * doctor) = {
        [GW_CONFIG_BACKEND_FILE] = look_at_file_store,
        [GW_CONFIG_BACKEND_DYNAMODB] = look_at_dynamodb,
    };

    look_at[doctor->config.backend](doctor);
}

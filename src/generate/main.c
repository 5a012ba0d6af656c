/* SPDX-License-Identifier: Apache-2.0 */
/*
 * generate page FILE | bash PROGRAM | zsh PROGRAM | fish PROGRAM: run by the build, for the build.
 */
#include "generate.h"

#include <stdio.h>

static const struct {
    const char *name;
    void (*generate)(const struct gw_program *program);
} shells[] = {
    {"bash", gw_generate_bash},
    {"zsh", gw_generate_zsh},
    {"fish", gw_generate_fish},
};

static bool generate(const char *what, const char *name)
{
    const struct gw_program *program = gw_program_find(name);

    if (strcmp(what, "page") == 0)
        return gw_generate_page(name) == 0;
    for (size_t i = 0; program && i < GW_COUNT(shells); i++)
        if (strcmp(shells[i].name, what) == 0) {
            shells[i].generate(program);
            return true;
        }
    return false;
}

int main(int argc, char **argv)
{
    if (argc != 3 || !generate(argv[1], argv[2])) {
        fputs("generate: nothing to be made of this\n", stderr);
        return 1;
    }
    return fflush(stdout) == 0 && !ferror(stdout) ? 0 : 1;
}

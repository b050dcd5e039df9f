// SPDX-License-Identifier: GPL-2.0-only
/* iommu-resv unload: unload everything from this kernel, or nothing. */
#include <err.h>
#include <errno.h>
#include <stdlib.h>

#include "facts.h"
#include "hooks.h"
#include "modules.h"

static int unload(struct control *ctl)
{
	bool declared, moved;
	int ret;

	if (module_there(ctl, LIVEPATCH) && livepatch_remove(ctl, true))
		return EXIT_TROUBLE;
	ret = module_delete(CORE);
	switch (ret) {
	case 0:
	case -ENOENT:
		return 0;
	case -EAGAIN:
		declared = groups_declared(ctl, true) > 0;
		moved = groups_moved(ctl, true) > 0;
		if (declared)
			warnx(CORE " is in use: regions are declared, remove them first");
		else
			warnx(CORE " is in use: %sa guest whose maps it checks or another module uses it ('lsmod | grep ^" CORE "'), or its hooks are being switched",
			      moved ? "such a guest holds it, " : "");
		break;
	default:
		if (ret == -EBUSY)
			groups_moved(ctl, true);
		errno = -ret;
		warn(CORE);
	}
	return EXIT_TROUBLE;
}

int cmd_unload(struct control *ctl, int argc, char **argv)
{
	char *mode;
	int ret, nr;

	if (argc)
		errx(EXIT_TROUBLE, "unload takes no operand: '%s'", argv[0]);
	may_change(ctl, "unload");
	if (!module_there(ctl, CORE)) {
		warnx("the module is not loaded");
		return EXIT_OK;
	}
	/* The kernel would refuse it, too, without naming their groups. */
	nr = groups_declared(ctl, false);
	if (nr) {
		if (nr > 0)
			warnx("not unloaded: regions are declared, remove them first");
		return EXIT_TROUBLE;
	}
	mode = hooks_mode(ctl);
	ret = unload(ctl);
	if (ret)
		hooks_restore(ctl, mode);
	free(mode);
	return ret;
}

/* SPDX-License-Identifier: GPL-2.0-only */
/* Movable MSI windows of groups: their table, and the files of this feature. */
#ifndef RESV_FEATURE_WINDOW_TABLE_H
#define RESV_FEATURE_WINDOW_TABLE_H

#include <linux/list.h>
#include <linux/mutex.h>
#include <linux/types.h>
#include "group/attach.h"
#include "group/feature.h"

struct device;
struct iommu_group;

/* Index of this feature in data[] of the tracker's objects */
#define RESV_MSI_WINDOW_CLIENT	2

/**
 * struct resv_msi_window - the window of one group
 * @node: in the table, by address of @group
 * @group: the group
 * @id: its number
 * @held: the window has a reference on the kobject of @group, so that no other group
 *	can reuse the address
 * @pins_module: the window holds a reference on this module, because it is moved
 * @native: where the driver puts the window
 * @at: where the window is from the next attach on
 * @by: who placed it there; with RESV_WINDOW_BY_KERNEL, @at is @native
 * @cookie_elsewhere: the group is attached to a domain whose doorbells are at @cookie,
 *	not at @at
 * @cookie: see @cookie_elsewhere
 * @asked: the parameter was applied to this group or was refused, or the file was
 *	written
 * @denied: the log says that the parameter cannot be applied
 * @logged: the overlap that was logged last, or 0 to 0
 * @unsuited: the log says that a moved window does not suit the group any more
 * @dead: the log says that a moved window is not in the kernel's list
 *
 * The tracker's lock protects @cookie_elsewhere and @cookie; resv_msi_windows_lock
 * protects all other members that change.  @at and @by are written with both locks held,
 * so either is enough to read them; only window_attached() writes them with the tracker's
 * lock alone, while this module is being unloaded.
 */
struct resv_msi_window {
	struct hlist_node node;
	struct iommu_group *group;
	int id;
	bool held;
	bool pins_module;
	struct resv_range native;
	struct resv_range at;
	enum resv_window_by by;
	bool cookie_elsewhere;
	struct resv_range cookie;
	bool asked;
	bool denied;
	struct resv_range logged;
	bool unsuited;
	bool dead;
};

/* table.c */
extern struct mutex resv_msi_windows_lock;
extern bool resv_msi_windows_moved;
extern const struct resv_attach_client resv_msi_window_client;
bool resv_msi_window_place(const struct iommu_group *group,
			   struct resv_range *window);
struct resv_msi_window *resv_msi_window_find(const struct iommu_group *group);
struct resv_msi_window *resv_msi_window_add(struct iommu_group *group, int id,
					    const struct resv_range *native);
int resv_msi_window_move(struct resv_msi_window *w, const struct resv_range *to,
			 enum resv_window_by by);
struct iommu_group *resv_msi_window_drop(struct resv_msi_window *w);
bool resv_msi_windows_in_force(void);
int resv_msi_windows_relied_on(unsigned int turn);
void resv_msi_windows_exit(void);

/* table.c, for handlers, which hold the tracker's lock */
const struct resv_range *resv_msi_window_at(const struct resv_msi_window *w);
bool resv_msi_window_is_moved(const struct resv_msi_window *w);

/* words.c */
extern const struct resv_feature_file resv_msi_window_file;
int resv_msi_window_init(void);
bool resv_msi_window_requested(void);
bool resv_msi_window_apply(const struct resv_facts *c, struct resv_msi_window *w);
bool resv_msi_window_put_back(const struct resv_facts *c,
			      struct resv_msi_window *w);
bool resv_msi_window_is_listed(const struct resv_facts *c,
			       const struct resv_range *window);
void resv_msi_window_log_conflicts(const struct resv_facts *c,
				   struct resv_msi_window *w,
				   const struct resv_range *window);
void resv_msi_window_log_unsuited(const struct resv_facts *c,
				  struct resv_msi_window *w);

/* lists.c */
extern const struct resv_tap resv_msi_device_tap;
extern const struct resv_tap resv_msi_alloc_tap;
extern const struct resv_tap resv_msi_listed_tap;
void resv_msi_lists_move_in_group(void);
void resv_msi_lists_reset(void);

/* taps.c */
#define RESV_MSI_WINDOW_TAPS	3

extern const struct resv_tap *const resv_msi_window_taps[RESV_MSI_WINDOW_TAPS];
void resv_msi_taps_want(void);
void resv_msi_taps_note_denied(void);
void resv_msi_taps_change_begin(void);
void resv_msi_taps_change_end(void);
void resv_msi_taps_prepare(struct resv_facts *c);
void resv_msi_taps_rest(void);
void resv_msi_taps_walk_begin(void);
void resv_msi_taps_walk_end(void);
void resv_msi_taps_status(struct resv_status *s);

/* life.c */
extern const struct resv_feature resv_feature_window;

#endif /* RESV_FEATURE_WINDOW_TABLE_H */

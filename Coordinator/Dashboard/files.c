// Which files the page has; made by "Scripts/generate page". The compiler puts their bytes into the program.

#include "CDashboard.h"

#pragma clang diagnostic ignored "-Wc23-extensions"

static const unsigned char api_js[] = {
#embed "page/api.js"
};

static const unsigned char app_js[] = {
#embed "page/app.js"
};

static const unsigned char base_css[] = {
#embed "page/base.css"
};

static const unsigned char canvas_js[] = {
#embed "page/canvas.js"
};

static const unsigned char colours_js[] = {
#embed "page/colours.js"
};

static const unsigned char dom_js[] = {
#embed "page/dom.js"
};

static const unsigned char export_js[] = {
#embed "page/export.js"
};

static const unsigned char filters_js[] = {
#embed "page/filters.js"
};

static const unsigned char format_js[] = {
#embed "page/format.js"
};

static const unsigned char frame_js[] = {
#embed "page/frame.js"
};

static const unsigned char icon_svg[] = {
#embed "page/icon.svg"
};

static const unsigned char index_html[] = {
#embed "page/index.html"
};

static const unsigned char job_rows_js[] = {
#embed "page/job-rows.js"
};

static const unsigned char keys_js[] = {
#embed "page/keys.js"
};

static const unsigned char kinds_js[] = {
#embed "page/kinds.js"
};

static const unsigned char layout_css[] = {
#embed "page/layout.css"
};

static const unsigned char list_table_js[] = {
#embed "page/list-table.js"
};

static const unsigned char live_js[] = {
#embed "page/live.js"
};

static const unsigned char parts_css[] = {
#embed "page/parts.css"
};

static const unsigned char plotly_css[] = {
#embed "page/plotly.css"
};

static const unsigned char plots_js[] = {
#embed "page/plots.js"
};

static const unsigned char points_js[] = {
#embed "page/points.js"
};

static const unsigned char scatter_js[] = {
#embed "page/scatter.js"
};

static const unsigned char signin_js[] = {
#embed "page/signin.js"
};

static const unsigned char source_js[] = {
#embed "page/source.js"
};

static const unsigned char stream_js[] = {
#embed "page/stream.js"
};

static const unsigned char tab_heatmap_js[] = {
#embed "page/tab-heatmap.js"
};

static const unsigned char tab_map_js[] = {
#embed "page/tab-map.js"
};

static const unsigned char tab_summary_js[] = {
#embed "page/tab-summary.js"
};

static const unsigned char tab_tree_js[] = {
#embed "page/tab-tree.js"
};

static const unsigned char tab_unique_js[] = {
#embed "page/tab-unique.js"
};

static const unsigned char tab_usage_js[] = {
#embed "page/tab-usage.js"
};

static const unsigned char table_js[] = {
#embed "page/table.js"
};

static const unsigned char task_story_js[] = {
#embed "page/task-story.js"
};

static const unsigned char theme_js[] = {
#embed "page/theme.js"
};

static const unsigned char throughput_js[] = {
#embed "page/throughput.js"
};

static const unsigned char tilemap_js[] = {
#embed "page/tilemap.js"
};

static const unsigned char ui_js[] = {
#embed "page/ui.js"
};

static const unsigned char view_alerts_js[] = {
#embed "page/view-alerts.js"
};

static const unsigned char view_alpha_js[] = {
#embed "page/view-alpha.js"
};

static const unsigned char view_audit_js[] = {
#embed "page/view-audit.js"
};

static const unsigned char view_job_js[] = {
#embed "page/view-job.js"
};

static const unsigned char view_jobs_js[] = {
#embed "page/view-jobs.js"
};

static const unsigned char view_new_js[] = {
#embed "page/view-new.js"
};

static const unsigned char view_overview_js[] = {
#embed "page/view-overview.js"
};

static const unsigned char view_region_js[] = {
#embed "page/view-region.js"
};

static const unsigned char view_regions_js[] = {
#embed "page/view-regions.js"
};

static const unsigned char view_schedules_js[] = {
#embed "page/view-schedules.js"
};

static const unsigned char view_workers_js[] = {
#embed "page/view-workers.js"
};

static const unsigned char views_css[] = {
#embed "page/views.css"
};

static const unsigned char webhooks_js[] = {
#embed "page/webhooks.js"
};

static const struct alphagrid_page_file files[] = {
    {"api.js", api_js, sizeof api_js},
    {"app.js", app_js, sizeof app_js},
    {"base.css", base_css, sizeof base_css},
    {"canvas.js", canvas_js, sizeof canvas_js},
    {"colours.js", colours_js, sizeof colours_js},
    {"dom.js", dom_js, sizeof dom_js},
    {"export.js", export_js, sizeof export_js},
    {"filters.js", filters_js, sizeof filters_js},
    {"format.js", format_js, sizeof format_js},
    {"frame.js", frame_js, sizeof frame_js},
    {"icon.svg", icon_svg, sizeof icon_svg},
    {"index.html", index_html, sizeof index_html},
    {"job-rows.js", job_rows_js, sizeof job_rows_js},
    {"keys.js", keys_js, sizeof keys_js},
    {"kinds.js", kinds_js, sizeof kinds_js},
    {"layout.css", layout_css, sizeof layout_css},
    {"list-table.js", list_table_js, sizeof list_table_js},
    {"live.js", live_js, sizeof live_js},
    {"parts.css", parts_css, sizeof parts_css},
    {"plotly.css", plotly_css, sizeof plotly_css},
    {"plots.js", plots_js, sizeof plots_js},
    {"points.js", points_js, sizeof points_js},
    {"scatter.js", scatter_js, sizeof scatter_js},
    {"signin.js", signin_js, sizeof signin_js},
    {"source.js", source_js, sizeof source_js},
    {"stream.js", stream_js, sizeof stream_js},
    {"tab-heatmap.js", tab_heatmap_js, sizeof tab_heatmap_js},
    {"tab-map.js", tab_map_js, sizeof tab_map_js},
    {"tab-summary.js", tab_summary_js, sizeof tab_summary_js},
    {"tab-tree.js", tab_tree_js, sizeof tab_tree_js},
    {"tab-unique.js", tab_unique_js, sizeof tab_unique_js},
    {"tab-usage.js", tab_usage_js, sizeof tab_usage_js},
    {"table.js", table_js, sizeof table_js},
    {"task-story.js", task_story_js, sizeof task_story_js},
    {"theme.js", theme_js, sizeof theme_js},
    {"throughput.js", throughput_js, sizeof throughput_js},
    {"tilemap.js", tilemap_js, sizeof tilemap_js},
    {"ui.js", ui_js, sizeof ui_js},
    {"view-alerts.js", view_alerts_js, sizeof view_alerts_js},
    {"view-alpha.js", view_alpha_js, sizeof view_alpha_js},
    {"view-audit.js", view_audit_js, sizeof view_audit_js},
    {"view-job.js", view_job_js, sizeof view_job_js},
    {"view-jobs.js", view_jobs_js, sizeof view_jobs_js},
    {"view-new.js", view_new_js, sizeof view_new_js},
    {"view-overview.js", view_overview_js, sizeof view_overview_js},
    {"view-region.js", view_region_js, sizeof view_region_js},
    {"view-regions.js", view_regions_js, sizeof view_regions_js},
    {"view-schedules.js", view_schedules_js, sizeof view_schedules_js},
    {"view-workers.js", view_workers_js, sizeof view_workers_js},
    {"views.css", views_css, sizeof views_css},
    {"webhooks.js", webhooks_js, sizeof webhooks_js},
};

const struct alphagrid_page_file *alphagrid_page_files(long *count) {
    *count = sizeof files / sizeof files[0];
    return files;
}

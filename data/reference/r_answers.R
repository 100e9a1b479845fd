# The reference answers of R's package survival, for the tables of engines.
#
# Rscript data/reference/r_answers.R data/synthetic/synthetic_ipf.csv leukaemia.csv data/reference
#
# writes synthetic_r_answers.csv (the synthetic cohort) and r_answers.csv (public data that R brings
# along, and LeukSurv, which R's survival lacks: leukaemia.csv is
# tables.read_packaged("leukaemia").to_csv("leukaemia.csv", index=False)).
# Fifths, scores and logarithms are computed here anew, not taken from Python.
# Rows: dataset, quantity, model, term, value, standard_error, ci_low, ci_high, r_call, r_version,
# survival_version.

suppressPackageStartupMessages(library(survival))
arguments <- commandArgs(trailingOnly = TRUE)
stopifnot(length(arguments) == 3)
tight <- coxph.control(eps = 1e-14, toler.chol = 1e-15, iter.max = 60)

answers <- list()
add <- function(dataset, quantity, model, term, value, se = NA, low = NA, high = NA, call = "") {
  answers[[length(answers) + 1]] <<- data.frame(
    dataset = dataset, quantity = quantity, model = model, term = term, value = value,
    standard_error = se, ci_low = low, ci_high = high, r_call = call
  )
}
# Terms are called column[level], as in the package.
named <- function(terms, columns) {
  for (column in columns) {
    terms <- sub(paste0("^", column, "(.+)$"), paste0(column, "[\\1]"), terms)
  }
  terms
}

kaplan_meier <- function(dataset, model, data, formula, times) {
  fit <- survfit(formula, data, conf.type = "log-log")
  call <- sprintf("survfit(%s, conf.type = 'log-log')", deparse1(formula))
  groups <- if (is.null(fit$strata)) "all" else sub("^.*=", "", names(fit$strata))
  found <- quantile(fit, 0.5)
  middle <- rbind(c(found$quantile), c(found$lower), c(found$upper))
  for (i in seq_along(groups)) {
    add(dataset, "median survival", model, groups[i], middle[1, i], NA, middle[2, i], middle[3, i],
        paste0("quantile(", call, ", 0.5)"))
  }
  for (time in times) {
    at <- summary(fit, times = time, extend = TRUE)
    add(dataset, paste("survival at", time), model, groups, at$surv, at$std.err, at$lower, at$upper,
        sprintf("summary(%s, times = %s)", call, time))
  }
}

log_rank <- function(dataset, model, data, formula) {
  test <- survdiff(formula, data)
  add(dataset, "log-rank test", model, "all", test$chisq,
      call = sprintf("survdiff(%s)", deparse1(formula)))
}

cox <- function(dataset, model, data, formula, columns = character(), cluster = NULL,
                quantity = "log hazard ratio", zph = FALSE, ties = "efron") {
  environment(formula) <- environment()
  data$.cluster <- if (is.null(cluster)) seq_len(nrow(data)) else data[[cluster]]
  fit <- if (is.null(cluster)) coxph(formula, data, ties = ties, control = tight) else
    coxph(formula, data, ties = ties, control = tight, cluster = .cluster)
  call <- sprintf("coxph(%s, ties = '%s'%s)", deparse1(formula), ties,
                  if (is.null(cluster)) "" else paste0(", cluster = ", cluster))
  terms <- named(names(coef(fit)), columns)
  add(dataset, quantity, model, terms, coef(fit), sqrt(diag(vcov(fit))), call = call)
  if (zph) {
    test <- cox.zph(fit, transform = "km", terms = FALSE)$table
    add(dataset, "proportional hazards test", model, named(rownames(test), columns), test[, 1],
        call = sprintf("cox.zph(%s, transform = 'km', terms = FALSE)", call))
  }
}

restricted_mean <- function(dataset, model, data, formula, horizons) {
  fit <- survfit(formula, data)
  for (horizon in horizons) {
    found <- summary(fit, rmean = horizon)$table
    if (is.null(dim(found))) found <- t(as.matrix(found))
    groups <- if (is.null(fit$strata)) "all" else sub("^.*=", "", rownames(found))
    add(dataset, paste("restricted mean to", horizon), model, groups, found[, "rmean"],
        found[, "se(rmean)"],
        call = sprintf("summary(survfit(%s), rmean = %s)", deparse1(formula), horizon))
  }
}

cumulative_incidence <- function(dataset, model, data, formula, times) {
  fit <- survfit(formula, data, conf.type = "log-log")
  for (time in times) {
    at <- summary(fit, times = time)
    for (i in seq_along(fit$states)[-1]) {
      add(dataset, paste("cumulative incidence at", time), model, fit$states[i], at$pstate[1, i],
          at$std.err[1, i], at$lower[1, i], at$upper[1, i],
          sprintf("summary(survfit(%s, conf.type = 'log-log'), times = %s)", deparse1(formula), time))
    }
  }
}

finish <- function(file) {
  table <- do.call(rbind, answers)
  table$r_version <- paste(R.version$major, R.version$minor, sep = ".")
  table$survival_version <- as.character(packageVersion("survival"))
  for (column in c("value", "standard_error", "ci_low", "ci_high")) {
    table[[column]] <- ifelse(is.na(table[[column]]), "", formatC(table[[column]], digits = 15, format = "g", width = 1))
  }
  write.csv(table, file.path(arguments[3], file), row.names = FALSE, quote = c(1:4, 9:11))
  answers <<- list()
}

# ---- The synthetic cohort -------------------------------------------------------------------------

people <- read.csv(arguments[1], stringsAsFactors = FALSE)
people$died <- as.integer(people$outcome == "died")
cuts <- quantile(people$distance_km, c(0.2, 0.4, 0.6, 0.8), na.rm = TRUE)
people$distance_quintile <- relevel(factor(
  findInterval(people$distance_km, cuts, left.open = TRUE) + 1), ref = "1")
people$deprivation_quintile <- relevel(factor(people$deprivation_quintile), ref = "5")
people$sex <- factor(people$sex, levels = c("female", "male"))
people$smoking <- factor(people$smoking, levels = c("never", "ex", "current"))
age <- people$age_years
unable <- people$dlco_unable == "true"
people$gap_index <- (people$sex == "male") + (age >= 61) + (age >= 66) +
  (people$fvc_percent <= 75) + (people$fvc_percent < 50) +
  ifelse(unable, 3, (people$dlco_percent <= 55) + (people$dlco_percent <= 35))
people$log_symptom_months <- log1p(people$symptom_months)
people$state <- factor(people$outcome, levels = c("censored", "died", "transplanted"))
columns <- c("deprivation_quintile", "distance_quintile", "sex", "smoking")
survives <- function(right) as.formula(paste("Surv(follow_up_years, died) ~", right))

kaplan_meier("synthetic", "all", people, survives("1"), c(1, 3, 5))
restricted_mean("synthetic", "all", people, survives("1"), c(3, 5))
for (exposure in c("deprivation_quintile", "distance_quintile")) {
  kaplan_meier("synthetic", exposure, people, survives(exposure), c(1, 3, 5))
  log_rank("synthetic", exposure, people, survives(exposure))
  restricted_mean("synthetic", exposure, people, survives(exposure), c(3, 5))
  cox("synthetic", paste("unadjusted,", exposure), people, survives(exposure), columns)
  cox("synthetic", paste("age_sex,", exposure), people,
      survives(paste(exposure, "+ age_years + sex")), columns)
}
joint <- "deprivation_quintile + distance_quintile + age_years + sex"
cox("synthetic", "joint", people, survives(joint), columns, zph = TRUE)
cox("synthetic", "joint, clustered by centre", people, survives(joint), columns, cluster = "centre")
cox("synthetic", "as_published", people, survives(paste(
  "deprivation_quintile + distance_quintile + smoking + gap_index + log_symptom_months")), columns)
cumulative_incidence("synthetic", "all", people, Surv(follow_up_years, state) ~ 1, c(1, 3, 5))
finish("synthetic_r_answers.csv")

# ---- Public data ----------------------------------------------------------------------------------

leukaemia <- read.csv(arguments[2])
leukaemia$died <- as.integer(leukaemia$outcome == "died")
leukaemia$sex <- factor(leukaemia$sex, levels = c("female", "male"))
# Townsend: higher is more deprived, and fifth 1 is the most deprived.
cuts <- quantile(leukaemia$townsend_score, c(0.2, 0.4, 0.6, 0.8))
leukaemia$deprivation_quintile <- relevel(factor(
  5 - findInterval(leukaemia$townsend_score, cuts, left.open = TRUE)), ref = "5")
columns <- c("deprivation_quintile", "sex")
terms <- "age_years + sex + white_cell_count + townsend_score"
kaplan_meier("leukaemia", "deprivation_quintile", leukaemia, survives("deprivation_quintile"), c(1, 3, 5))
log_rank("leukaemia", "deprivation_quintile", leukaemia, survives("deprivation_quintile"))
restricted_mean("leukaemia", "deprivation_quintile", leukaemia, survives("deprivation_quintile"), c(3, 5))
cox("leukaemia", "adjusted", leukaemia, survives(terms), columns, zph = TRUE)
cox("leukaemia", "stratified by district", leukaemia,
    survives(paste(terms, "+ strata(district)")), columns)
cox("leukaemia", "clustered by district", leukaemia, survives(terms), columns, cluster = "district")

lung$died <- as.integer(lung$status == 2)
lung <- na.omit(data.frame(days = lung$time, died = lung$died, age = lung$age, sex = lung$sex,
                           ecog = lung$ph.ecog))
cox("lung", "age, sex, ecog", lung, Surv(days, died) ~ age + sex + ecog, zph = TRUE)
cox("lung", "age, sex, ecog, Breslow", lung, Surv(days, died) ~ age + sex + ecog, ties = "breslow")
lung$person <- seq_len(nrow(lung))
cox("lung", "age, sex, ecog, robust", lung, Surv(days, died) ~ age + sex + ecog, cluster = "person")
kaplan_meier("lung", "all", lung, Surv(days, died) ~ 1, c(180, 365))
restricted_mean("lung", "all", lung, Surv(days, died) ~ 1, c(365))

cox("heart", "late entry", heart, Surv(start, stop, event) ~ age + year + surgery)
cox("heart", "late entry, clustered by person", heart,
    Surv(start, stop, event) ~ age + year + surgery, cluster = "id")

months <- with(mgus2, ifelse(pstat == 1, ptime, futime))
state <- factor(with(mgus2, ifelse(pstat == 1, 1, 2 * death)), 0:2, c("censored", "progressed", "died"))
mgus <- data.frame(months, state)
cumulative_incidence("mgus", "all", mgus, Surv(months, state) ~ 1, c(60, 120, 240))
finish("r_answers.csv")

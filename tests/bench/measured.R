# One measurement of R's package survival, in a process of its own, printed as measured.py does:
# Rscript measured.R ENGINE TASK FOLDER SECONDS LONG LEAST SHORT, where ENGINE is r, or r_raw for the
# bare fit; the last three are LONG_SECONDS, LEAST_CALLS and SHORT_SECONDS of plan.py.
suppressPackageStartupMessages(library(survival))
asked <- commandArgs(TRUE)
engine <- asked[1]; task <- asked[2]; folder <- asked[3]; seconds <- as.numeric(asked[4])
long_seconds <- as.numeric(asked[5]); least_calls <- as.numeric(asked[6])
short_seconds <- as.numeric(asked[7])
if (task == "simulation") { # cohorts are drawn by this package's own simulation
  cat('{"outcome": "not offered"}\n')
  quit()
}
people <- file.size(file.path(folder, "days.bin")) / 4
column <- function(name) {
  readBin(file.path(folder, paste0(name, ".bin")), "integer", people, size = 4, endian = "little")
}
levels_of <- function(name, count) outer(column(name), seq_len(count - 1), "==") + 0
terms <- c("age", "lung_capacity", "male", paste0("deprivation[", 2:5, "]"),
           paste0("distance[", 2:5, "]"), "smoking[former]", "smoking[never]")
covariates <- c("age", "lung_capacity", "male", "deprivation", "distance", "smoking")
at <- c(365, 730, 1095)
horizon <- 1095
number <- function(x) ifelse(is.finite(x), formatC(x, digits = 17, format = "g"), "NaN")
answers <- function(names, estimates, errors = NULL) {
  errors <- if (is.null(errors)) rep("null", length(names)) else number(errors)
  paste0("{", paste0('"', names, '": [', number(estimates), ", ", errors, "]", collapse = ", "), "}")
}
of_model <- function(fit) answers(terms, coef(fit), sqrt(diag(vcov(fit))))
memory <- function(field) {
  if (!file.exists("/proc/self/status")) return(NaN)
  line <- grep(paste0("^", field, ":"), readLines("/proc/self/status"), value = TRUE)
  as.numeric(gsub("[^0-9]", "", line)) * 1024 / 1e6
}
design <- function() {
  cbind(column("age"), column("lung_capacity"), column("male"), levels_of("deprivation", 5),
        levels_of("distance", 5), levels_of("smoking", 3))
}
curve_answers <- function(fit) {
  found <- summary(fit, times = at, extend = TRUE)
  answers(paste0(rep(1:5, each = length(at)), " at ", at), found$surv)
}
days <- as.numeric(column("days")); died <- column("died")
call <- NULL
if (engine == "r") {
  if (task == "kaplan_meier") {
    group <- column("deprivation")
    call <- function() survfit(Surv(days, died) ~ group, conf.type = "log-log")
    answered <- curve_answers
  } else if (task == "log_rank") {
    group <- column("deprivation")
    call <- function() survdiff(Surv(days, died) ~ group)
    answered <- function(test) answers("statistic", test$chisq)
  } else if (task %in% c("cox_efron", "cox_breslow")) {
    X <- design(); ties <- sub("cox_", "", task)
    call <- function() coxph(Surv(days, died) ~ X, ties = ties)
    answered <- of_model
  } else if (task == "cox_robust") {
    X <- design()
    call <- function() coxph(Surv(days, died) ~ X, robust = TRUE)
    answered <- of_model
  } else if (task == "cox_clustered") {
    X <- design(); centre <- column("centre")
    call <- function() coxph(Surv(days, died) ~ X, cluster = centre)
    answered <- of_model
  } else if (task == "proportional_hazards") {
    frame <- data.frame(days = days, died = died, age = column("age"),
                        lung_capacity = column("lung_capacity"), male = column("male"),
                        deprivation = factor(column("deprivation")),
                        distance = factor(column("distance")), smoking = factor(column("smoking")))
    model <- reformulate(covariates, quote(Surv(days, died)))
    call <- function() cox.zph(coxph(model, frame))
    answered <- function(test) answers(c(covariates, "GLOBAL"), test$table[, "chisq"])
  } else if (task == "cumulative_incidence") {
    cause <- factor(column("cause"), 0:2, c("censored", "died", "transplanted"))
    call <- function() survfit(Surv(days, cause) ~ 1)
    answered <- function(fit) {
      found <- summary(fit, times = at)
      answers(paste("transplanted at", at), found$pstate[, found$states == "transplanted"])
    }
  } else if (task == "restricted_mean") {
    group <- column("deprivation")
    call <- function() {
      summary(survfit(Surv(days, died) ~ group, conf.type = "log-log"), rmean = horizon)$table
    }
    answered <- function(table) answers(1:5, table[, "rmean"], table[, "se(rmean)"])
  }
} else if (task %in% c("cox_efron", "cox_breslow")) {
  X <- design(); outcome <- Surv(days, died); ties <- sub("cox_", "", task)
  call <- function() {
    coxph.fit(X, outcome, NULL, NULL, NULL, coxph.control(), NULL, ties, NULL, resid = FALSE)
  }
  answered <- function(fit) answers(terms, fit$coefficients, sqrt(diag(fit$var)))
}
if (is.null(call)) {
  cat('{"outcome": "not offered"}\n')
  quit(save = "no")
}
invisible(gc())
if (file.exists("/proc/self/clear_refs")) try(cat("5", file = "/proc/self/clear_refs"), silent = TRUE)
before <- memory("VmHWM")
now <- function() as.numeric(Sys.time())
started <- now()
found <- call()
took <- now() - started
peak <- memory("VmHWM")
ended <- now()
# As `another` of measured.py, with the numbers of plan.py.
another <- function() {
  if (length(took) >= 50 || took[1] >= long_seconds) return(FALSE)
  few <- length(took) < least_calls && min(took) < short_seconds
  length(took) == 1 || few || now() - ended < seconds
}
while (another()) {
  again <- now()
  found <- call()
  took <- c(took, now() - again)
}
cat('{"outcome": "measured", "first_seconds": ', number(took[1]), ', "seconds": ',
    number(min(took)), ', "calls": ', length(took), ', "memory_mb": ', number(peak - before),
    ', "process_mb": ', number(peak), ', "answers": ', answered(found), "}\n", sep = "")

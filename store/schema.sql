-- The experiment store: every table and view, made from the journals and made anew from them at any time.
--
-- Tables hold what records say, one row a fact, with the journal line that says so (journal, line_at). Two records
-- that state the same fact (a resumed process repeats itself) leave one row: the earliest record wins, for heartbeats,
-- disk sizes and the place of a data set the latest; so the order in which journals are read never matters. Views derive everything else:
-- a status from its events, a trial's scores from its epochs, rates from counts. No foreign keys: a record may be
-- read before the record that it refers to. Times are UTC; rates are in [0, 1]; losses are plain means per image.

CREATE TABLE meta (
    key VARCHAR PRIMARY KEY,              -- name of the entry: schema_version
    value VARCHAR NOT NULL                -- its value
);
COMMENT ON TABLE meta IS 'What this file is: its schema version';

CREATE TABLE journal (
    path VARCHAR PRIMARY KEY,             -- file, relative to home/journals, parts joined by /
    search_id VARCHAR NOT NULL,           -- its folder: the search it belongs to, or _home
    read_bytes BIGINT NOT NULL,           -- how far it has been applied; in the same transaction as its rows
    records BIGINT NOT NULL,              -- lines confirmed by their checksum
    damaged BIGINT NOT NULL,              -- lines left out: a wrong checksum or an unusable payload (see damage)
    unknown BIGINT NOT NULL,              -- records of a kind that this version does not know (counted, left out)
    read_at TIMESTAMP NOT NULL            -- when it was last read (UTC)
);
COMMENT ON TABLE journal IS 'How far each journal file has been applied';

CREATE TABLE damage (
    journal VARCHAR,                      -- journal.path
    line_at BIGINT,                       -- byte position of the line
    reason VARCHAR NOT NULL,              -- what is wrong with it, one sentence
    PRIMARY KEY (journal, line_at)
);
COMMENT ON TABLE damage IS 'Journal lines that were left out, and why';

CREATE TABLE tombstone (
    search_id VARCHAR PRIMARY KEY,        -- a search that a person deleted: its rows are removed and stay removed
    recorded_at TIMESTAMP,                -- when it was deleted (UTC)
    journal VARCHAR NOT NULL,             -- journal.path of the record
    line_at BIGINT NOT NULL               -- byte position of its line
);
COMMENT ON TABLE tombstone IS 'Deleted searches';

CREATE TABLE dataset (
    dataset_id VARCHAR PRIMARY KEY,       -- hash of content and split: the same data has the same id anywhere
    name VARCHAR NOT NULL,                -- name for people
    root VARCHAR,                         -- folder that image.path is relative to, as it was last read
    classes VARCHAR[] NOT NULL,           -- class names; a class index counts from 0 in this order
    split_origin VARCHAR,                 -- given | made
    split_seed BIGINT,                    -- seed of a made split
    fractions JSON,                       -- share of each split, by split name
    synthetic BOOLEAN,                    -- true: generated sample cells, no real images
    usable BIGINT,                        -- number of images that can be used
    bad BIGINT,                           -- number of files left out
    recorded_at TIMESTAMP,                -- when it was scanned (UTC)
    journal VARCHAR NOT NULL,             -- journal.path of the record
    line_at BIGINT NOT NULL               -- byte position of its line
);
COMMENT ON TABLE dataset IS 'Sets of labelled images with their split';

CREATE TABLE image (
    dataset_id VARCHAR,                   -- dataset.dataset_id
    image_id BIGINT,                      -- position in the dataset: usable images first
    path VARCHAR NOT NULL,                -- file, relative to dataset.root
    sha256 VARCHAR,                       -- of the file's bytes, hex
    pixel_sha256 VARCHAR,                 -- of the decoded pixels, hex
    class VARCHAR,                        -- class name
    split VARCHAR,                        -- train | calibration | val | test
    group_id VARCHAR,                     -- images of one group (duplicates) stay in one split
    source VARCHAR,                       -- where the image comes from, if a manifest says so
    width BIGINT,                         -- pixels
    height BIGINT,                        -- pixels
    status VARCHAR,                       -- ok | bad
    reason VARCHAR,                       -- why it is bad, or what is odd about it
    recorded_at TIMESTAMP,                -- when it was scanned (UTC)
    journal VARCHAR NOT NULL,             -- journal.path of the record
    line_at BIGINT NOT NULL,              -- byte position of its line
    PRIMARY KEY (dataset_id, image_id)
);
COMMENT ON TABLE image IS 'Files of a dataset, bad ones too';

CREATE TABLE search_record (
    search_id VARCHAR PRIMARY KEY,        -- identifier of the search
    name VARCHAR NOT NULL,                -- name for people
    origin VARCHAR NOT NULL,              -- own | published
    objective VARCHAR,                    -- what is maximised: val_accuracy
    patience BIGINT,                      -- the search stops when DE_COUNT reaches it
    settings JSON,                        -- every setting of the search
    command VARCHAR,                      -- command line that started it
    environment JSON,                     -- versions, machine, code version
    recorded_at TIMESTAMP,                -- when it was created (UTC); empty for a published search
    journal VARCHAR NOT NULL,             -- journal.path of the record
    line_at BIGINT NOT NULL               -- byte position of its line
);
COMMENT ON TABLE search_record IS 'Searches as they were asked for';

CREATE TABLE search_data (
    search_id VARCHAR PRIMARY KEY,        -- search_record.search_id
    dataset_id VARCHAR NOT NULL,          -- dataset.dataset_id
    settled JSON,                         -- what was settled before the first trial: weights, device, parallel, threads
    command VARCHAR,                      -- command line that repeats the search with all of it
    recorded_at TIMESTAMP,                -- when it was recorded (UTC)
    journal VARCHAR NOT NULL,             -- journal.path of the record
    line_at BIGINT NOT NULL               -- byte position of its line
);
COMMENT ON TABLE search_data IS 'Which dataset a search uses, and what else all its trials share';

CREATE TABLE search_event (
    journal VARCHAR,                      -- journal.path of the record
    line_at BIGINT,                       -- byte position of its line
    search_id VARCHAR NOT NULL,           -- search_record.search_id
    attempt BIGINT NOT NULL,              -- number of the controller's start
    seq BIGINT NOT NULL,                  -- order within the attempt
    status VARCHAR NOT NULL,              -- RUNNING | COMPLETE | STOPPED | FAILED
    de_count BIGINT,                      -- cycles in a row without a new best
    best_trial_id VARCHAR,                -- best trial so far
    model_trial_id VARCHAR,               -- trial whose weights are the search's model
    stop_reason VARCHAR,                  -- why it ended
    message VARCHAR,                      -- a sentence for people
    recorded_at TIMESTAMP,                -- when (UTC)
    PRIMARY KEY (journal, line_at)
);
COMMENT ON TABLE search_event IS 'What happened to a search; the highest attempt and seq tell its status';

CREATE TABLE cycle (
    search_id VARCHAR,                    -- search_record.search_id
    cycle BIGINT,                         -- 0 is the initial trial, then 1, 2, ...
    trial_ids VARCHAR[] NOT NULL,         -- its candidates, in coordinate order
    chosen_trial_id VARCHAR,              -- the candidate with the highest score: the new current point
    chosen_score DOUBLE,                  -- its score (validation accuracy)
    runner_up_score DOUBLE,               -- score of the second best candidate
    improved BOOLEAN,                     -- whether the chosen score is a new best
    de_count BIGINT,                      -- DE_COUNT after the cycle
    recorded_at TIMESTAMP,                -- when it ended (UTC)
    journal VARCHAR NOT NULL,             -- journal.path of the record
    line_at BIGINT NOT NULL,              -- byte position of its line
    PRIMARY KEY (search_id, cycle)
);
COMMENT ON TABLE cycle IS 'Finished cycles of a search';

CREATE TABLE trial_record (
    trial_id VARCHAR PRIMARY KEY,         -- <search_id>.<cycle>-<coordinate>, <search_id>.final-<seed> or <search_id>.what-if-<point>
    search_id VARCHAR NOT NULL,           -- search_record.search_id
    position BIGINT,                      -- order in which the trials of the search were asked
    cycle BIGINT,                         -- cycle it belongs to; empty for final and what-if
    coordinate VARCHAR,                   -- coordinate that was moved; initial | final | what-if (outside of the path)
    learning_rate DOUBLE,                 -- hyper-parameter
    batch_size BIGINT,                    -- hyper-parameter, images
    epochs BIGINT,                        -- hyper-parameter, epochs to train in all
    seed BIGINT,                          -- random seed
    de_count BIGINT,                      -- DE_COUNT as it stood while the trial ran
    from_trial_id VARCHAR,                -- trial whose checkpoint it continues
    reused_epochs BIGINT,                 -- epochs taken over from there, not trained again
    settings JSON,                        -- every setting of the trial
    recorded_at TIMESTAMP,                -- when it was asked (UTC)
    journal VARCHAR NOT NULL,             -- journal.path of the record
    line_at BIGINT NOT NULL               -- byte position of its line
);
COMMENT ON TABLE trial_record IS 'Trials as they were asked for';

CREATE TABLE trial_event (
    journal VARCHAR,                      -- journal.path of the record
    line_at BIGINT,                       -- byte position of its line
    trial_id VARCHAR NOT NULL,            -- trial_record.trial_id
    search_id VARCHAR NOT NULL,           -- search_record.search_id
    attempt BIGINT NOT NULL,              -- number of the worker's start
    seq BIGINT NOT NULL,                  -- order within the attempt; the controller's verdict comes last
    status VARCHAR NOT NULL,              -- RUNNING | COMPLETE | STOPPED | FAILED
    error VARCHAR,                        -- why it failed
    pid BIGINT,                           -- process of the worker
    host VARCHAR,                         -- its machine
    recorded_at TIMESTAMP,                -- when (UTC)
    PRIMARY KEY (journal, line_at)
);
COMMENT ON TABLE trial_event IS 'What happened to a trial; the highest attempt and seq tell its status';

CREATE TABLE epoch_split (
    trial_id VARCHAR,                     -- trial_record.trial_id
    epoch BIGINT,                         -- 1, 2, ...; for test and calibration the epoch that was evaluated
    split VARCHAR,                        -- train | calibration | val | test | swap (val in another source's looks)
    search_id VARCHAR NOT NULL,           -- search_record.search_id
    reused BOOLEAN,                       -- taken over from from_trial_id, not trained again
    loss DOUBLE,                          -- mean cross-entropy per image
    accuracy DOUBLE,                      -- share of images classified correctly
    seconds DOUBLE,                       -- duration of the training part
    images_per_second DOUBLE,             -- training throughput
    support INTEGER[],                    -- images of each class
    tp INTEGER[],                         -- one-vs-rest true positives of each class
    fp INTEGER[],                         -- false positives
    tn INTEGER[],                         -- true negatives
    fn INTEGER[],                         -- false negatives
    class_loss DOUBLE[],                  -- mean loss of each class; NULL without images
    class_auc DOUBLE[],                   -- one-vs-rest area under the ROC curve; NULL where undefined
    confusion INTEGER[],                  -- counts, row = true class, column = predicted class, row major
    image_ids INTEGER[],                  -- image.image_id of each prediction
    true_classes SMALLINT[],              -- class index of each prediction
    probabilities FLOAT[][],              -- class probabilities of each prediction
    recorded_at TIMESTAMP,                -- when (UTC)
    journal VARCHAR NOT NULL,             -- journal.path of the record
    line_at BIGINT NOT NULL,              -- byte position of its line
    PRIMARY KEY (trial_id, epoch, split)
);
COMMENT ON TABLE epoch_split IS 'All that is known of one split after one epoch; epoch, class_metric, confusion and prediction are views of it';

CREATE TABLE heartbeat (
    search_id VARCHAR,                    -- search_record.search_id
    trial_id VARCHAR,                     -- trial of the worker; empty text for the controller
    pid BIGINT,                           -- process
    host VARCHAR,                         -- its machine
    stage VARCHAR,                        -- what it is doing: scan, cache, train, evaluate, wait, ...
    epoch BIGINT,                         -- epoch that is being trained
    done BIGINT,                          -- units done in the stage
    total BIGINT,                         -- units that the stage has
    unit VARCHAR,                         -- unit of done and total
    rss_bytes BIGINT,                     -- resident memory of the process, bytes
    recorded_at TIMESTAMP,                -- when (UTC)
    journal VARCHAR NOT NULL,             -- journal.path of the record
    line_at BIGINT NOT NULL,              -- byte position of its line
    PRIMARY KEY (search_id, trial_id)
);
COMMENT ON TABLE heartbeat IS 'The latest sign of life of each process';

CREATE TABLE trial_files (
    trial_id VARCHAR PRIMARY KEY,         -- trial_record.trial_id
    search_id VARCHAR NOT NULL,           -- search_record.search_id
    bytes BIGINT NOT NULL,                -- disk that its checkpoint and weights take
    recorded_at TIMESTAMP,                -- when it was measured (UTC)
    journal VARCHAR NOT NULL,             -- journal.path of the record
    line_at BIGINT NOT NULL               -- byte position of its line
);
COMMENT ON TABLE trial_files IS 'The latest disk use of each trial';

CREATE TABLE trial_cost (
    trial_id VARCHAR PRIMARY KEY,         -- trial_record.trial_id
    search_id VARCHAR NOT NULL,           -- search_record.search_id
    parameters BIGINT NOT NULL,           -- numbers that the network holds: weights and biases
    predict_images_per_second DOUBLE,     -- prediction, images at the trial's size in batches of 8, on its device
    peak_rss_bytes BIGINT,                -- most resident memory of the training process, bytes; not that of a GPU
    recorded_at TIMESTAMP,                -- when it was measured (UTC)
    journal VARCHAR NOT NULL,             -- journal.path of the record
    line_at BIGINT NOT NULL               -- byte position of its line
);
COMMENT ON TABLE trial_cost IS 'What each finished trial costs, as measured at its end';

CREATE TABLE reading (
    reading_id VARCHAR PRIMARY KEY,       -- identifier of the reading
    model_id VARCHAR,                     -- trial_id or fusion_id of the model; of an older record the trial
    model_trial_id VARCHAR,               -- trial whose weights were used; missing for a fusion
    file_name VARCHAR,                    -- name of the uploaded file
    image_sha256 VARCHAR NOT NULL,        -- of the file's bytes, hex; of a box in a field: of the field's file
    box INTEGER[],                        -- x, y, width, height of the cell in the field's image (px); missing: no field
    width BIGINT,                         -- of the image as it was read (px)
    height BIGINT,                        -- of the image as it was read (px)
    kept BOOLEAN NOT NULL,                -- whether the image file was kept, because a person asked for it
    runtime VARCHAR,                      -- torch | onnx
    weights_sha256 VARCHAR,               -- of the weights that answered; of a fusion, of its members' hashes
    classes VARCHAR[] NOT NULL,           -- class names, in the order of probabilities, raw and p_values
    probabilities DOUBLE[] NOT NULL,      -- probability of each class: calibrated by temperature where calibrated
    raw DOUBLE[],                         -- plain softmax of each class
    calibrated BOOLEAN,                   -- whether calibration images stand behind probabilities, set and blast watch
    temperature DOUBLE,                   -- that the logits were divided by; 1 without calibration
    p_values DOUBLE[],                    -- conformal p-value of each class; missing without calibration
    prediction_set VARCHAR[],             -- classes that cannot be excluded, the most probable first; missing likewise
    coverage JSON,                        -- by class: share of new images whose set holds it, at least, on average
    flags JSON,                           -- the checks of the image: name, raised, reason, value, limit, unit of each
    raised VARCHAR[] NOT NULL,            -- names of the checks that were raised; blast: the watch on blasts
    blast JSON,                           -- the watch on blasts: class, probability, threshold, sensitivity, images
    decision VARCHAR,                     -- class | set | refer; missing in older records
    decided_classes VARCHAR[],            -- the class, or the classes of the set; none where it was referred
    decided_by VARCHAR,                   -- rule that decided: flag, operating point NAME, prediction set, ...
    reasons VARCHAR[],                    -- why, a sentence each
    operating_point_id VARCHAR,           -- operating_point.operating_point_id that was chosen; missing: none
    through VARCHAR,                      -- page | batch | field | api | command line
    batch_id VARCHAR,                     -- readings of one batch or one field share it
    asked_by VARCHAR,                     -- person who asked for it, where known
    recorded_at TIMESTAMP,                -- when (UTC)
    journal VARCHAR NOT NULL,             -- journal.path of the record
    line_at BIGINT NOT NULL               -- byte position of its line
);
COMMENT ON TABLE reading IS 'Every reading of an image by a model; outlives the search of its model';

CREATE TABLE review (
    review_id VARCHAR PRIMARY KEY,        -- identifier of the review
    reading_id VARCHAR NOT NULL,          -- reading.reading_id that it is about
    verdict VARCHAR NOT NULL,             -- confirm | correct | refer
    class VARCHAR,                        -- class that the expert settled on, any name; missing with refer
    note VARCHAR NOT NULL,                -- free text
    reviewed_by VARCHAR,                  -- person, where known
    recorded_at TIMESTAMP,                -- when (UTC); the latest of a reading counts, all are kept
    journal VARCHAR NOT NULL,             -- journal.path of the record
    line_at BIGINT NOT NULL               -- byte position of its line
);
COMMENT ON TABLE review IS 'What experts say of readings; reviewed_reading is the view with the latest word on each';

CREATE TABLE calibration (
    model_id VARCHAR,                     -- trial_id or fusion_id
    runtime VARCHAR,                      -- torch | onnx
    weights_sha256 VARCHAR NOT NULL,      -- of the weights; of a fusion, of its members' hashes
    classes VARCHAR[] NOT NULL,           -- class names, in the order of images and coverage
    images INTEGER[] NOT NULL,            -- calibration images of each class
    coverage DOUBLE[] NOT NULL,           -- share of new images of each class whose set holds it, at least, on average
    temperature DOUBLE NOT NULL,          -- that logits are divided by
    loss_before DOUBLE,                   -- mean negative log likelihood of the calibration images, without temperature
    loss_after DOUBLE,                    -- with it
    watched VARCHAR,                      -- class of the blast flag; missing: none is
    threshold DOUBLE,                     -- of its uncalibrated probability, from which the flag is raised
    sensitivity DOUBLE,                   -- share of new images of that class that it finds, at least, on average
    recorded_at TIMESTAMP,                -- when (UTC); the latest counts
    journal VARCHAR NOT NULL,             -- journal.path of the record
    line_at BIGINT NOT NULL,              -- byte position of its line
    PRIMARY KEY (model_id, runtime)
);
COMMENT ON TABLE calibration IS 'What calibration images say of each model: temperature, prediction sets, the watch on blasts';

CREATE TABLE reading_check (
    model_id VARCHAR,                     -- trial_id or fusion_id
    runtime VARCHAR,                      -- torch | onnx
    images VARCHAR,                       -- whose readings were judged: test, or the dataset_id of other images
    kind VARCHAR NOT NULL,                -- test | external | out_of_scope
    n BIGINT NOT NULL,                    -- images
    weights_sha256 VARCHAR NOT NULL,      -- of the weights
    figures JSON NOT NULL,                -- calibration error, coverage, referrals, what was decided, with intervals
    recorded_at TIMESTAMP,                -- when (UTC); the latest counts
    journal VARCHAR NOT NULL,             -- journal.path of the record
    line_at BIGINT NOT NULL,              -- byte position of its line
    PRIMARY KEY (model_id, runtime, images)
);
COMMENT ON TABLE reading_check IS 'How far the readings of each model hold, on images that it has not learnt anything from';

CREATE TABLE annotation (
    search_id VARCHAR,                    -- search that it is about, or that the trial belongs to
    trial_id VARCHAR,                     -- trial that it is about; empty: the whole search
    note VARCHAR NOT NULL,                -- free text, Markdown
    tags VARCHAR[] NOT NULL,              -- words to sort and filter by
    written_by VARCHAR,                   -- person, where known
    recorded_at TIMESTAMP,                -- when (UTC); the latest counts
    journal VARCHAR NOT NULL,             -- journal.path of the record
    line_at BIGINT NOT NULL,              -- byte position of its line
    PRIMARY KEY (search_id, trial_id)
);
COMMENT ON TABLE annotation IS 'Notes and tags of searches and trials';

CREATE TABLE fusion (
    fusion_id VARCHAR PRIMARY KEY,        -- identifier
    name VARCHAR NOT NULL,                -- name for people
    dataset_id VARCHAR NOT NULL,          -- data that all members were trained on
    rule VARCHAR NOT NULL,                -- average (of probabilities) | vote (of predicted classes)
    trial_ids VARCHAR[] NOT NULL,         -- members
    weights DOUBLE[] NOT NULL,            -- weight of each member, at least 0, sum 1
    chosen_by VARCHAR NOT NULL,           -- person | validation (the best small ensemble on the val split)
    removed BOOLEAN NOT NULL,             -- taken back by a person
    recorded_at TIMESTAMP,                -- when (UTC); the latest counts
    journal VARCHAR NOT NULL,             -- journal.path of the record
    line_at BIGINT NOT NULL               -- byte position of its line
);
COMMENT ON TABLE fusion IS 'Saved fusions: several trials that answer together; each outlives the searches of its members';

CREATE TABLE operating_point (
    operating_point_id VARCHAR PRIMARY KEY, -- identifier
    name VARCHAR NOT NULL,                -- name for people
    search_id VARCHAR,                    -- search of the model; missing for a fusion
    model_id VARCHAR NOT NULL,            -- trial_id or fusion_id whose probabilities it decides on
    classes VARCHAR[] NOT NULL,           -- class names, in the order of rule
    rule JSON NOT NULL,                   -- how probabilities become a decision: its kind and numbers
    prevalence JSON,                      -- share of each class that it was set for; missing: the data's
    removed BOOLEAN NOT NULL,             -- taken back by a person
    recorded_at TIMESTAMP,                -- when (UTC); the latest counts
    journal VARCHAR NOT NULL,             -- journal.path of the record
    line_at BIGINT NOT NULL               -- byte position of its line
);
COMMENT ON TABLE operating_point IS 'Saved operating points: decision thresholds or costs, chosen on the val split';

CREATE TABLE duplicate_pair (
    dataset_id VARCHAR,                   -- dataset.dataset_id
    image_a BIGINT,                       -- image.image_id, the smaller one of the two
    image_b BIGINT,                       -- image.image_id, the larger one
    kind VARCHAR NOT NULL,                -- near (the same picture, turned, mirrored or encoded anew) | overlap (two crops of one field)
    transform VARCHAR,                    -- how b is turned against a: identity, rot90, ..., transpose
    distance BIGINT,                      -- bits in which their perceptual hashes differ, of 64
    correlation DOUBLE,                   -- normalised correlation of what both show, in [-1, 1]
    dx DOUBLE,                            -- shift of b against a to the right, share of the width
    dy DOUBLE,                            -- shift of b against a downwards, share of the height
    recorded_at TIMESTAMP,                -- when it was found (UTC)
    journal VARCHAR NOT NULL,             -- journal.path of the record
    line_at BIGINT NOT NULL,              -- byte position of its line
    PRIMARY KEY (dataset_id, image_a, image_b)
);
COMMENT ON TABLE duplicate_pair IS 'Images of a dataset that show the same cells although their pixels differ';

CREATE TABLE image_source (
    dataset_id VARCHAR,                   -- dataset.dataset_id
    image_id BIGINT,                      -- image.image_id
    source VARCHAR,                       -- where the image comes from; empty: not known
    told_by VARCHAR NOT NULL,             -- guess (from names and sizes) | person
    recorded_at TIMESTAMP,                -- when (UTC); the latest counts
    journal VARCHAR NOT NULL,             -- journal.path of the record
    line_at BIGINT NOT NULL,              -- byte position of its line
    PRIMARY KEY (dataset_id, image_id)
);
COMMENT ON TABLE image_source IS 'Sources of images that were guessed or edited; image.source is what a manifest says';

CREATE TABLE audit (
    dataset_id VARCHAR,                   -- dataset.dataset_id
    feature VARCHAR,                      -- what the classifier saw: histogram | corners | border | file | thumbnail
    target VARCHAR,                       -- what it predicted: class | source
    labels VARCHAR[] NOT NULL,            -- the classes or sources, in the order of confusion
    confusion INTEGER[] NOT NULL,         -- cross-validated counts, row = true label, column = predicted, row major
    n BIGINT NOT NULL,                    -- images
    n_right BIGINT NOT NULL,              -- predicted rightly
    accuracy DOUBLE NOT NULL,             -- n_right / n
    low DOUBLE NOT NULL,                  -- 95 % Wilson interval of the accuracy
    high DOUBLE NOT NULL,                 -- its upper end
    chance DOUBLE NOT NULL,               -- share of the largest label: accuracy of always saying it
    folds BIGINT NOT NULL,                -- folds of the cross-validation
    seed BIGINT NOT NULL,                 -- that dealt them
    version BIGINT NOT NULL,              -- of the method
    seconds DOUBLE,                       -- duration
    recorded_at TIMESTAMP,                -- when (UTC); the latest counts
    journal VARCHAR NOT NULL,             -- journal.path of the record
    line_at BIGINT NOT NULL,              -- byte position of its line
    PRIMARY KEY (dataset_id, feature, target)
);
COMMENT ON TABLE audit IS 'Shortcut audit: how well what is no cell predicts the class, or the source, of an image';

CREATE TABLE label_check (
    dataset_id VARCHAR PRIMARY KEY,       -- dataset.dataset_id
    method VARCHAR NOT NULL,              -- where the out-of-fold probabilities come from
    n BIGINT NOT NULL,                    -- images that were checked
    accuracy DOUBLE,                      -- of the out-of-fold predictions: a weak one makes weak suspicions
    image_ids INTEGER[] NOT NULL,         -- suspected images, the least believed label first
    suggested VARCHAR[] NOT NULL,         -- class that the predictions suggest instead
    confidence DOUBLE[] NOT NULL,         -- out-of-fold probability of the given label, in [0, 1]
    recorded_at TIMESTAMP,                -- when (UTC); the latest counts
    journal VARCHAR NOT NULL,             -- journal.path of the record
    line_at BIGINT NOT NULL               -- byte position of its line
);
COMMENT ON TABLE label_check IS 'Suspected label errors of each dataset; label_issue is the view with a row an image';

CREATE TABLE external_set (
    dataset_id VARCHAR,                   -- dataset.dataset_id that models are trained on
    external_id VARCHAR,                  -- dataset.dataset_id of images from elsewhere, never trained on or chosen by
    removed BOOLEAN NOT NULL,             -- taken back by a person
    recorded_at TIMESTAMP,                -- when (UTC); the latest counts
    journal VARCHAR NOT NULL,             -- journal.path of the record
    line_at BIGINT NOT NULL,              -- byte position of its line
    PRIMARY KEY (dataset_id, external_id)
);
COMMENT ON TABLE external_set IS 'Which datasets are external to which';

CREATE TABLE external_shared (
    dataset_id VARCHAR,                   -- dataset.dataset_id that models are trained on
    external_id VARCHAR,                  -- dataset.dataset_id of images from elsewhere
    image_ids INTEGER[] NOT NULL,         -- images from elsewhere that show what the dataset shows too: left out
    own_ids INTEGER[] NOT NULL,           -- image.image_id of the dataset that each shows
    kinds VARCHAR[] NOT NULL,             -- near: the same picture, turned or encoded anew; overlap: crops of one field
    searched VARCHAR NOT NULL,            -- what was looked for: near and overlap | near | nothing
    unread BIGINT NOT NULL,               -- images that could not be read any more, and so were not compared
    crowded BIGINT NOT NULL,              -- images like so many others that only the closest were compared
    recorded_at TIMESTAMP,                -- when (UTC); the latest counts
    journal VARCHAR NOT NULL,             -- journal.path of the record
    line_at BIGINT NOT NULL,              -- byte position of its line
    PRIMARY KEY (dataset_id, external_id)
);
COMMENT ON TABLE external_shared IS 'Images from elsewhere that turned out to show what the dataset shows too';

CREATE TABLE external_result (
    trial_id VARCHAR,                     -- trial_record.trial_id
    external_id VARCHAR,                  -- dataset.dataset_id of the external images
    search_id VARCHAR NOT NULL,           -- search_record.search_id
    image_ids INTEGER[] NOT NULL,         -- image.image_id in the external dataset
    true_classes SMALLINT[] NOT NULL,     -- class index of each, in the classes of the trial's dataset
    probabilities FLOAT[][] NOT NULL,     -- class probabilities of each, in the same order
    seconds DOUBLE,                       -- duration
    recorded_at TIMESTAMP,                -- when (UTC)
    journal VARCHAR NOT NULL,             -- journal.path of the record
    line_at BIGINT NOT NULL,              -- byte position of its line
    PRIMARY KEY (trial_id, external_id)
);
COMMENT ON TABLE external_result IS 'What a trial says of images from elsewhere; external_prediction is the view with a row an image';

CREATE TABLE robustness (
    trial_id VARCHAR,                     -- trial_record.trial_id
    shift VARCHAR,                        -- what was changed: stain, hue, ..., border; none for the images as they are
    severity BIGINT,                      -- 1 to 5; 0 for none
    search_id VARCHAR NOT NULL,           -- search_record.search_id
    split VARCHAR NOT NULL,               -- whose images: test | val
    confusion INTEGER[] NOT NULL,         -- counts, row = true class, column = predicted class, row major
    version BIGINT NOT NULL,              -- of the shifts
    seconds DOUBLE,                       -- duration
    recorded_at TIMESTAMP,                -- when (UTC); the latest counts
    journal VARCHAR NOT NULL,             -- journal.path of the record
    line_at BIGINT NOT NULL,              -- byte position of its line
    PRIMARY KEY (trial_id, shift, severity)
);
COMMENT ON TABLE robustness IS 'What a trial says of its images once they are shifted';

CREATE TABLE scope_fit (
    trial_id VARCHAR PRIMARY KEY,         -- trial_record.trial_id
    search_id VARCHAR NOT NULL,           -- search_record.search_id
    fit VARCHAR NOT NULL,                 -- hash of what was fitted, hex
    n_train BIGINT NOT NULL,              -- training images that class means and covariance rest on
    n_features BIGINT NOT NULL,           -- length of the network's pooled features
    shrinkage DOUBLE,                     -- Ledoit and Wolf's weight of the identity in the covariance, in [0, 1]
    calibration_ids INTEGER[] NOT NULL,   -- image.image_id of the images that p-values are told by
    calibration_mahalanobis DOUBLE[] NOT NULL, -- least squared distance of each to a class mean
    calibration_energy DOUBLE[] NOT NULL, -- energy of each: -log sum exp of its logits
    test_ids INTEGER[] NOT NULL,          -- image.image_id of the test images
    test_mahalanobis DOUBLE[] NOT NULL,   -- least squared distance of each to a class mean
    test_energy DOUBLE[] NOT NULL,        -- energy of each
    version BIGINT NOT NULL,              -- of the scores
    seconds DOUBLE,                       -- duration
    recorded_at TIMESTAMP,                -- when (UTC); the latest counts
    journal VARCHAR NOT NULL,             -- journal.path of the record
    line_at BIGINT NOT NULL               -- byte position of its line
);
COMMENT ON TABLE scope_fit IS 'What a trial takes its own images for: scores of calibration and test images; higher is stranger';

CREATE TABLE scope_result (
    trial_id VARCHAR,                     -- trial_record.trial_id
    outside_id VARCHAR,                   -- dataset.dataset_id of images that show none of the trial's classes
    search_id VARCHAR NOT NULL,           -- search_record.search_id
    fit VARCHAR NOT NULL,                 -- scope_fit.fit that the scores rest on
    image_ids INTEGER[] NOT NULL,         -- image.image_id in that dataset
    classes VARCHAR[] NOT NULL,           -- class name of each, in that dataset
    mahalanobis DOUBLE[] NOT NULL,        -- least squared distance of each to a class mean
    energy DOUBLE[] NOT NULL,             -- energy of each
    version BIGINT NOT NULL,              -- of the scores
    seconds DOUBLE,                       -- duration
    recorded_at TIMESTAMP,                -- when (UTC); the latest counts
    journal VARCHAR NOT NULL,             -- journal.path of the record
    line_at BIGINT NOT NULL,              -- byte position of its line
    PRIMARY KEY (trial_id, outside_id)
);
COMMENT ON TABLE scope_result IS 'How strange images out of scope are to a trial; scope_score is the view with a row an image';

CREATE TABLE job (
    job_id VARCHAR PRIMARY KEY,           -- kind and subject, joined by a dot: one job of a kind on a subject at a time
    kind VARCHAR NOT NULL,                -- import | audit | label_check | external | robustness | scope | calibration
    subject VARCHAR NOT NULL,             -- dataset_id, trial_id, or where an import comes from
    status VARCHAR NOT NULL,              -- RUNNING | COMPLETE | STOPPED | FAILED
    stage VARCHAR,                        -- what it is doing
    done BIGINT,                          -- units done in the stage
    total BIGINT,                         -- units that the stage has; 0 where that is not known
    message VARCHAR,                      -- a sentence for people: the outcome, or why it failed
    result VARCHAR,                       -- id of what it made: the dataset_id of an import
    pid BIGINT,                           -- process
    host VARCHAR,                         -- its machine
    started_at TIMESTAMP,                 -- when it began (UTC)
    recorded_at TIMESTAMP,                -- when it last said something (UTC); the latest counts
    journal VARCHAR NOT NULL,             -- journal.path of the record
    line_at BIGINT NOT NULL               -- byte position of its line
);
COMMENT ON TABLE job IS 'The latest word of each background job that is no search';

-- Derived -------------------------------------------------------------------------------------------------------------

CREATE VIEW trial AS
WITH status AS (
    SELECT search_id, trial_id, attempt, status, error, pid, host, recorded_at
    FROM trial_event
    QUALIFY row_number() OVER (
        PARTITION BY search_id, trial_id ORDER BY attempt DESC, seq DESC, recorded_at DESC, journal DESC, line_at DESC
    ) = 1
), started AS (
    SELECT search_id, trial_id, min(recorded_at) AS started_at
    FROM trial_event WHERE status = 'RUNNING' GROUP BY search_id, trial_id
), score AS (
    SELECT
        search_id, trial_id, max(epoch) AS epochs_done,
        arg_max_null(loss, epoch) FILTER (WHERE split = 'train') AS train_loss,
        arg_max_null(accuracy, epoch) FILTER (WHERE split = 'train') AS train_accuracy,
        arg_max_null(loss, epoch) FILTER (WHERE split = 'val') AS val_loss,
        arg_max_null(accuracy, epoch) FILTER (WHERE split = 'val') AS val_accuracy,
        arg_max_null(loss, epoch) FILTER (WHERE split = 'test') AS test_loss,
        arg_max_null(accuracy, epoch) FILTER (WHERE split = 'test') AS test_accuracy,
        arg_max_null(accuracy, epoch) FILTER (WHERE split = 'swap') AS swap_accuracy
    FROM epoch_split GROUP BY search_id, trial_id
)
SELECT
    t.trial_id, t.search_id, t.cycle, t.coordinate, t.learning_rate, t.batch_size, t.epochs, t.seed, t.de_count,
    coalesce(e.status, 'WAITING') AS status,        -- WAITING | RUNNING | COMPLETE | STOPPED | FAILED
    t.reused_epochs, t.from_trial_id,
    s.train_loss, s.train_accuracy,                 -- of the last epoch
    s.val_loss, s.val_accuracy,                     -- of the last epoch
    s.test_loss, s.test_accuracy,                   -- of the evaluation after the last epoch
    b.started_at,                                   -- first time it was RUNNING
    CASE WHEN e.status IN ('COMPLETE', 'STOPPED', 'FAILED') THEN e.recorded_at END AS finished_at,
    e.error, t.settings, t.position,
    e.attempt,                                      -- number of the worker's last start
    f.bytes AS files_bytes,                         -- disk that checkpoint and weights take
    h.recorded_at AS heartbeat_at,
    coalesce(s.epochs_done, 0) AS epochs_done,      -- last epoch that is recorded
    e.pid, e.host,
    t.settings ->> '$.backbone' AS backbone,        -- network
    t.settings ->> '$.recipe' AS recipe,            -- how it was trained against shortcuts
    try_cast(t.settings ->> '$.image_size' AS BIGINT) AS image_size, -- side of its images, pixels
    s.swap_accuracy,                                -- on validation images in the looks of another source
    c.parameters,                                   -- numbers that the network holds
    c.predict_images_per_second,                    -- prediction in batches of 8, on the trial's device
    c.peak_rss_bytes                                -- most resident memory of the training process, bytes
FROM trial_record t
LEFT JOIN status e ON e.search_id = t.search_id AND e.trial_id = t.trial_id
LEFT JOIN started b ON b.search_id = t.search_id AND b.trial_id = t.trial_id
LEFT JOIN score s ON s.search_id = t.search_id AND s.trial_id = t.trial_id
LEFT JOIN trial_files f ON f.search_id = t.search_id AND f.trial_id = t.trial_id
LEFT JOIN trial_cost c ON c.search_id = t.search_id AND c.trial_id = t.trial_id
LEFT JOIN heartbeat h ON h.search_id = t.search_id AND h.trial_id = t.trial_id;
COMMENT ON VIEW trial IS 'Trials with their status and scores';

CREATE VIEW search AS
WITH status AS (
    SELECT *
    FROM search_event
    QUALIFY row_number() OVER (
        PARTITION BY search_id ORDER BY attempt DESC, seq DESC, recorded_at DESC, journal DESC, line_at DESC
    ) = 1
), progress AS (  -- finished cycles know more than the event that was written when the search began
    SELECT
        search_id, arg_max_null(de_count, cycle) AS de_count,
        arg_max(chosen_trial_id, cycle) FILTER (WHERE improved) AS best_trial_id
    FROM cycle GROUP BY search_id
), initial AS (
    SELECT t.search_id, min(t.trial_id) AS trial_id
    FROM trial_record t
    SEMI JOIN trial_event e ON e.search_id = t.search_id AND e.trial_id = t.trial_id AND e.status = 'COMPLETE'
    WHERE t.coordinate = 'initial' GROUP BY t.search_id
)
SELECT
    r.search_id, r.name, r.origin, d.dataset_id, r.objective, r.patience,
    coalesce(e.status, 'WAITING') AS status,        -- WAITING | RUNNING | COMPLETE | STOPPED | FAILED
    coalesce(CASE WHEN e.status <> 'RUNNING' THEN e.de_count END, p.de_count, e.de_count, 0) AS de_count,
    coalesce(
        CASE WHEN e.status <> 'RUNNING' THEN e.best_trial_id END, p.best_trial_id, e.best_trial_id, i.trial_id
    ) AS best_trial_id,                             -- best trial so far
    r.recorded_at AS created_at,
    CASE WHEN e.status IN ('COMPLETE', 'STOPPED', 'FAILED') THEN e.recorded_at END AS finished_at,
    r.settings,
    e.model_trial_id,                               -- trial whose weights are the search's model
    e.stop_reason, e.message, r.environment,
    coalesce(d.command, r.command) AS command,      -- that repeats it; before its data are read, that started it
    d.settled,                                      -- what all its trials share: weights, device, parallel, threads
    h.recorded_at AS heartbeat_at,                  -- of the controller
    e.attempt,                                      -- number of the controller's last start
    e.recorded_at AS event_at                       -- when the status was written
FROM search_record r
LEFT JOIN search_data d ON d.search_id = r.search_id
LEFT JOIN status e ON e.search_id = r.search_id
LEFT JOIN progress p ON p.search_id = r.search_id
LEFT JOIN initial i ON i.search_id = r.search_id
LEFT JOIN heartbeat h ON h.search_id = r.search_id AND h.trial_id = '';
COMMENT ON VIEW search IS 'Searches with their status';

CREATE VIEW epoch AS
SELECT
    trial_id, epoch, split, loss, accuracy, seconds, images_per_second,
    recorded_at AS "at",                            -- when it was recorded (UTC)
    reused, search_id
FROM epoch_split;
COMMENT ON VIEW epoch IS 'Loss and accuracy: train and val at every epoch, test and calibration at the last';

CREATE VIEW class_metric AS
WITH by_class AS (
    SELECT *, unnest(range(1, len(support) + 1)) AS i FROM epoch_split
)
SELECT
    e.trial_id, e.epoch, e.split,
    coalesce(d.classes[e.i], 'class ' || (e.i - 1)) AS class,
    e.support[e.i] AS support, e.tp[e.i] AS tp, e.fp[e.i] AS fp, e.tn[e.i] AS tn, e.fn[e.i] AS fn,
    e.class_loss[e.i] AS loss, e.class_auc[e.i] AS auc,
    e.i - 1 AS class_index,                         -- position in dataset.classes, from 0
    e.search_id
FROM by_class e
LEFT JOIN search_data s ON s.search_id = e.search_id
LEFT JOIN dataset d ON d.dataset_id = s.dataset_id;
COMMENT ON VIEW class_metric IS 'One-vs-rest counts, loss and AUC of each class';

CREATE VIEW class_report AS  -- an undefined rate is 0, as with zero_division=0 of scikit-learn; unknown counts give NULL
SELECT
    trial_id, epoch, split, class, support,
    CASE WHEN tp + fp = 0 THEN 0 ELSE tp / (tp + fp) END AS precision,
    CASE WHEN tp + fn = 0 THEN 0 ELSE tp / (tp + fn) END AS recall,
    CASE WHEN tn + fp = 0 THEN 0 ELSE tn / (tn + fp) END AS specificity,
    CASE WHEN 2 * tp + fp + fn = 0 THEN 0 ELSE 2 * tp / (2 * tp + fp + fn) END AS f1,
    auc, loss, class_index, search_id
FROM class_metric;
COMMENT ON VIEW class_report IS 'Precision, recall, specificity and F1 of each class';

CREATE VIEW confusion AS
WITH last AS (
    SELECT search_id, trial_id, split, confusion, CAST(round(sqrt(len(confusion))) AS BIGINT) AS n
    FROM epoch_split WHERE confusion IS NOT NULL
    QUALIFY row_number() OVER (PARTITION BY trial_id, split ORDER BY epoch DESC) = 1
), cell AS (
    SELECT *, unnest(range(n * n)) AS k FROM last
)
SELECT
    c.trial_id, c.split,
    coalesce(d.classes[c.k // c.n + 1], 'class ' || (c.k // c.n)) AS true_class,
    coalesce(d.classes[c.k % c.n + 1], 'class ' || (c.k % c.n)) AS predicted_class,
    c.confusion[c.k + 1] AS count,                  -- images
    c.k // c.n AS true_index, c.k % c.n AS predicted_index, c.search_id
FROM cell c
LEFT JOIN search_data s ON s.search_id = c.search_id
LEFT JOIN dataset d ON d.dataset_id = s.dataset_id;
COMMENT ON VIEW confusion IS 'Confusion matrix of each split at the last epoch that has one';

CREATE VIEW prediction AS
WITH by_image AS (
    SELECT
        search_id, trial_id, epoch, split, unnest(image_ids) AS image_id, unnest(true_classes) AS true_index,
        unnest(probabilities) AS probabilities
    FROM epoch_split WHERE image_ids IS NOT NULL
)
SELECT
    p.trial_id, p.epoch, p.split, p.image_id,
    coalesce(d.classes[p.true_index + 1], 'class ' || p.true_index) AS true_class,
    p.probabilities,                                -- in the order of dataset.classes
    p.true_index, p.search_id
FROM by_image p
LEFT JOIN search_data s ON s.search_id = p.search_id
LEFT JOIN dataset d ON d.dataset_id = s.dataset_id;
COMMENT ON VIEW prediction IS 'Probabilities of every image: val at every epoch, calibration and test at the last';

CREATE VIEW label_issue AS
WITH item AS (
    SELECT
        dataset_id, method, unnest(image_ids) AS image_id, unnest(suggested) AS suggested,
        unnest(confidence) AS confidence, unnest(range(1, len(image_ids) + 1)) AS rank
    FROM label_check
)
SELECT
    c.dataset_id, c.image_id, i.path, i.class,
    c.suggested,                                    -- class that the out-of-fold predictions suggest instead
    c.confidence,                                   -- out-of-fold probability of the given label, in [0, 1]
    c.rank,                                         -- 1: the least believed
    c.method                                        -- where the out-of-fold probabilities come from
FROM item c
JOIN image i ON i.dataset_id = c.dataset_id AND i.image_id = c.image_id;
COMMENT ON VIEW label_issue IS 'Suspected label errors, one row an image';

CREATE VIEW external_prediction AS
WITH every AS (
    SELECT
        trial_id, search_id, external_id, unnest(image_ids) AS image_id, unnest(true_classes) AS true_index,
        unnest(probabilities) AS probabilities
    FROM external_result
), again AS (  -- images that a later comparison found in the data that were trained on
    SELECT d.search_id, x.external_id, unnest(x.image_ids) AS image_id
    FROM external_shared x JOIN search_data d ON d.dataset_id = x.dataset_id
), item AS (
    SELECT * FROM every ANTI JOIN again USING (search_id, external_id, image_id)
)
SELECT
    r.trial_id,
    r.external_id,                                  -- dataset.dataset_id of the external images
    r.image_id,
    coalesce(d.classes[r.true_index + 1], 'class ' || r.true_index) AS true_class,
    r.probabilities,                                -- in the order of the classes of the trial's dataset
    CASE WHEN s.told_by = 'person' THEN s.source ELSE coalesce(s.source, i.source)
    END AS source,                                  -- where the image comes from; empty: not known
    r.true_index, r.search_id
FROM item r
LEFT JOIN search_data t ON t.search_id = r.search_id
LEFT JOIN dataset d ON d.dataset_id = t.dataset_id
LEFT JOIN image i ON i.dataset_id = r.external_id AND i.image_id = r.image_id
LEFT JOIN image_source s ON s.dataset_id = r.external_id AND s.image_id = r.image_id;
COMMENT ON VIEW external_prediction IS 'What trials say of images from elsewhere, one row an image';

CREATE VIEW scope_score AS
WITH item AS (
    SELECT
        trial_id, 'calibration' AS part, NULL AS outside_id, unnest(calibration_ids) AS image_id, NULL AS class,
        unnest(calibration_mahalanobis) AS mahalanobis, unnest(calibration_energy) AS energy
    FROM scope_fit
    UNION ALL
    SELECT trial_id, 'test', NULL, unnest(test_ids), NULL, unnest(test_mahalanobis), unnest(test_energy) FROM scope_fit
    UNION ALL
    SELECT
        r.trial_id, 'outside', r.outside_id, unnest(r.image_ids), unnest(r.classes), unnest(r.mahalanobis),
        unnest(r.energy)
    FROM scope_result r
    JOIN scope_fit f ON f.trial_id = r.trial_id AND f.fit = r.fit
)
SELECT
    s.trial_id,
    s.part,                                         -- calibration | test (of the trial's dataset) | outside
    coalesce(s.outside_id, d.dataset_id) AS dataset_id, -- dataset.dataset_id that the image is of
    s.image_id,
    coalesce(s.class, i.class) AS class,
    s.mahalanobis,                                  -- least squared distance to a class mean; higher is stranger
    s.energy,                                       -- -log sum exp of the logits; higher is stranger
    CASE WHEN s.part <> 'calibration' THEN
        (1 + len(list_filter(f.calibration_mahalanobis, lambda c: c >= s.mahalanobis)))
        / (1 + len(f.calibration_mahalanobis)) END
    AS mahalanobis_p,                               -- conformal p-value: how many calibration images are as strange
    CASE WHEN s.part <> 'calibration' THEN
        (1 + len(list_filter(f.calibration_energy, lambda c: c >= s.energy))) / (1 + len(f.calibration_energy)) END
    AS energy_p,                                    -- the same by energy
    i.path, f.search_id
FROM item s
JOIN scope_fit f ON f.trial_id = s.trial_id
LEFT JOIN search_data d ON d.search_id = f.search_id
LEFT JOIN image i ON i.dataset_id = coalesce(s.outside_id, d.dataset_id) AND i.image_id = s.image_id;
COMMENT ON VIEW scope_score IS 'How strange images are to a trial: its calibration and test images, and images out of scope';

CREATE VIEW reviewed_reading AS
WITH latest AS (
    SELECT *, count(*) OVER (PARTITION BY reading_id) AS reviews FROM review
    QUALIFY row_number() OVER (PARTITION BY reading_id ORDER BY recorded_at DESC, journal DESC, line_at DESC) = 1
)
SELECT
    r.* EXCLUDE (journal, line_at),
    v.review_id, v.verdict,
    v.class AS expert_class,                        -- class that the expert settled on; missing: referred, no review
    v.note AS review_note,                          -- free text of the latest review
    v.reviewed_by,
    v.recorded_at AS reviewed_at,                   -- when the latest review was made (UTC)
    coalesce(v.reviews, 0) AS reviews,              -- how many there are
FROM reading r
LEFT JOIN latest v ON v.reading_id = r.reading_id;
COMMENT ON VIEW reviewed_reading IS 'Readings with the latest review of each';

"""How a report of segmentation defines its scores."""

DEFINITIONS = (
    (
        "Clean mIoU",
        "IoU_k = C_kk / (Σ_j C_kj + Σ_j C_jk − C_kk),   mIoU = mean_k IoU_k",
        "C counts the pixels of true class (row) and predicted class (column), summed over all clips and frames; "
        "pixels without a label are left out, classes in neither truth nor prediction too. Interval: bootstrap over "
        "recordings, 95 %, of what each clip adds to the mIoU to first order.",
        "“The Pascal Visual Object Classes (VOC) Challenge”, IJCV 2010, section 4.2.3",
    ),
    (
        "Robust mIoU",
        "R = 1 / (|C| |S|) · Σ_c Σ_s mIoU(c, s)",
        "Mean over all corruptions c and severities s, each a data set of its own. Masks move with the picture where a "
        "corruption displaces it.",
        "“Benchmarking the Robustness of Semantic Segmentation Models”, CVPR 2020",
    ),
    ("Retention", "R / mIoU_clean", "Share of the clean mIoU that survives corruption.", "as rPC, arXiv 1907.07484"),
    (
        "One class everywhere",
        "max_k n_k / (N K)",
        "The mIoU of whoever answers the most frequent of the K classes present for every pixel.",
        "definition",
    ),
    (
        "Pixel accuracy",
        "Σ_k C_kk / Σ C",
        "Share of labelled pixels answered right; high where much is background.",
        "“Fully Convolutional Networks for Semantic Segmentation”, CVPR 2015",
    ),
    (
        "Gain and relative gain",
        "R_a − R_d,   (R_a − R_d) / R_d",
        "Of a run (a) over the dense reference (d), in points and as a share of the reference. Interval: 95 %, over "
        "paired clips. A corruption is won where its mean over severities is higher.",
        "“Dynamic Sparse Training versus Dense Training”, arXiv 2410.03030, footnote 2",
    ),
)

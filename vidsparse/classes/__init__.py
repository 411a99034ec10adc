"""What classes are called: names and orders of known label spaces, how names are matched, which actions are the same.

| file | classes | order | source |
|---|---|---|---|
| `ucf101.txt` | 101 | classInd.txt | Soomro et al. 2012, the official lists |
| `hmdb51.txt` | 51 | of their names | Kuehne et al. 2011, the names of the official split files |
| `kinetics400.txt`, `kinetics600.txt` | 400, 600 | of their names | label maps of google-deepmind/kinetics-i3d |
| `ssv2.txt` | 174 | of their names, as labels.json numbers them | Goyal et al. 2017 |
| `cifar10.txt`, `cifar100.txt` | 10, 100 fine | the numbers in the archives | Krizhevsky 2009, batches.meta and meta |
| `tiny_imagenet.txt` | 200 | wnids.txt as published, which is not sorted | Stanford CS231n |
| `actions.csv` | | | see `vidsparse.classes.matching` |

ImageNet's 1000 come from timm, Pascal VOC's 21 from torchvision.
"""

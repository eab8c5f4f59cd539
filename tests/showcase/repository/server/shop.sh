#!/bin/sh
echo "shop @VERSION@"
